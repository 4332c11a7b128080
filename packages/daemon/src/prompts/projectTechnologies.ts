/** Files at the top of a repository, and what each says of it. The names are those of `TECHNOLOGIES`. */
const BY_FILE: readonly { readonly file: RegExp; readonly technologies: readonly string[] }[] = [
  { file: /^package\.json$/, technologies: ['Node.js'] },
  { file: /^tsconfig(?:\.\w{1,30})?\.json$/, technologies: ['TypeScript'] },
  { file: /^pnpm-lock\.yaml$/, technologies: ['pnpm'] },
  { file: /^yarn\.lock$/, technologies: ['Yarn'] },
  { file: /^package-lock\.json$/, technologies: ['npm'] },
  { file: /^bun\.lockb?$/, technologies: ['Bun'] },
  { file: /^deno\.jsonc?$/, technologies: ['Deno'] },
  { file: /^(?:pyproject\.toml|setup\.py|requirements\.txt)$/, technologies: ['Python'] },
  { file: /^poetry\.lock$/, technologies: ['Poetry'] },
  { file: /^uv\.lock$/, technologies: ['uv'] },
  { file: /^go\.mod$/, technologies: ['Go'] },
  { file: /^Cargo\.toml$/, technologies: ['Rust'] },
  { file: /^pom\.xml$/, technologies: ['Java', 'Maven'] },
  { file: /^build\.gradle(?:\.kts)?$/, technologies: ['Java', 'Gradle'] },
  { file: /^Gemfile$/, technologies: ['Ruby'] },
  { file: /^composer\.json$/, technologies: ['PHP'] },
  { file: /\.(?:csproj|sln|slnx)$/, technologies: ['C#'] },
  { file: /^mix\.exs$/, technologies: ['Elixir'] },
  { file: /^Package\.swift$/, technologies: ['Swift'] },
  { file: /^CMakeLists\.txt$/, technologies: ['C++', 'CMake'] },
  { file: /^(?:GNUmakefile|Makefile)$/, technologies: ['Make'] },
  { file: /^Dockerfile$|^(?:docker-)?compose\.ya?ml$/, technologies: ['Docker'] },
  { file: /\.tf$/, technologies: ['Terraform'] },
  { file: /^flake\.nix$/, technologies: ['Nix'] },
];

/** Packages of npm that say what a project is made with. */
const BY_PACKAGE: readonly (readonly [string, string])[] = [
  ['typescript', 'TypeScript'],
  ['react', 'React'],
  ['next', 'Next.js'],
  ['vue', 'Vue'],
  ['svelte', 'Svelte'],
  ['@angular/core', 'Angular'],
  ['express', 'Express'],
  ['fastify', 'Fastify'],
  ['@prisma/client', 'Prisma'],
  ['prisma', 'Prisma'],
  ['pg', 'PostgreSQL'],
  ['tailwindcss', 'Tailwind CSS'],
  ['vitest', 'Vitest'],
  ['jest', 'Jest'],
  ['mocha', 'Mocha'],
  ['@playwright/test', 'Playwright'],
  ['eslint', 'ESLint'],
  ['@biomejs/biome', 'Biome'],
  ['turbo', 'Turborepo'],
];

/** Packages of Python, looked for as words of pyproject.toml and requirements.txt. */
const BY_PYTHON_PACKAGE: readonly (readonly [RegExp, string])[] = [
  [/\bdjango\b/i, 'Django'],
  [/\bfastapi\b/i, 'FastAPI'],
  [/\bflask\b/i, 'Flask'],
  [/\bpytest\b/i, 'pytest'],
  [/\bruff\b/i, 'Ruff'],
  [/\bmypy\b/i, 'mypy'],
];

/**
 * Technologies of a repository, each once, in the order of our tables.
 * @param fileNames at its top.
 * @param npmPackages that its package.json names.
 * @param pythonText its pyproject.toml and requirements.txt.
 */
export function listTechnologies(
  fileNames: readonly string[],
  npmPackages: ReadonlySet<string>,
  pythonText: string,
): string[] {
  return [
    ...new Set([
      ...BY_FILE.filter(({ file }) => fileNames.some((name) => file.test(name))).flatMap(
        ({ technologies }) => technologies,
      ),
      ...BY_PACKAGE.filter(([name]) => npmPackages.has(name)).map(([, technology]) => technology),
      ...BY_PYTHON_PACKAGE.filter(([word]) => word.test(pythonText)).map(([, technology]) => technology),
    ]),
  ];
}
