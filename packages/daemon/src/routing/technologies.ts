/** How a technology is recognised. Its name is what rules of the routing configuration match. */
export interface Technology {
  readonly name: string;
  /** In the text of a task, as a word. Absent where the name is an everyday word. */
  readonly words?: RegExp;
  /** Ends of file names that a task names. */
  readonly extensions?: readonly string[];
}

export const TECHNOLOGIES: readonly Technology[] = [
  { name: 'TypeScript', words: /\btypescript\b/i, extensions: ['ts', 'tsx', 'mts', 'cts'] },
  { name: 'JavaScript', words: /\bjavascript\b/i, extensions: ['js', 'jsx', 'mjs', 'cjs'] },
  { name: 'Node.js', words: /\bnode\.?js\b/i },
  { name: 'Bun', words: /\bbun\b/i },
  { name: 'Deno', words: /\bdeno\b/i },
  { name: 'React', words: /\breact\b/i, extensions: ['tsx', 'jsx'] },
  { name: 'Next.js', words: /\bnext\.?js\b/i },
  { name: 'Vue', words: /\bvue(?:\.?js)?\b/i, extensions: ['vue'] },
  { name: 'Svelte', words: /\bsvelte(?:kit)?\b/i, extensions: ['svelte'] },
  { name: 'Angular', words: /\bangular\b/i },
  { name: 'Tailwind CSS', words: /\btailwind\b/i },
  { name: 'CSS', words: /\bcss\b/i, extensions: ['css', 'scss'] },
  { name: 'Python', words: /\bpython\b/i, extensions: ['py'] },
  { name: 'Django', words: /\bdjango\b/i },
  { name: 'FastAPI', words: /\bfastapi\b/i },
  { name: 'Go', words: /\bgolang\b/i, extensions: ['go'] },
  { name: 'Rust', words: /\brust\b/i, extensions: ['rs'] },
  { name: 'Java', words: /\bjava\b/i, extensions: ['java'] },
  { name: 'Kotlin', words: /\bkotlin\b/i, extensions: ['kt', 'kts'] },
  { name: 'Ruby', words: /\bruby\b/i, extensions: ['rb'] },
  { name: 'PHP', words: /\bphp\b/i, extensions: ['php'] },
  { name: 'C#', words: /\bc#|\.net core\b/i, extensions: ['cs'] },
  { name: 'C++', words: /\bc\+\+/i, extensions: ['cc', 'cpp', 'hpp'] },
  { name: 'Swift', words: /\bswiftui\b/i, extensions: ['swift'] },
  { name: 'Elixir', words: /\belixir\b/i, extensions: ['ex', 'exs'] },
  { name: 'Shell', words: /\b(?:bash|zsh) script\b/i, extensions: ['sh'] },
  { name: 'SQL', words: /\bsql\b/i, extensions: ['sql'] },
  { name: 'PostgreSQL', words: /\bpostgres(?:ql)?\b/i },
  { name: 'MySQL', words: /\bmysql\b/i },
  { name: 'SQLite', words: /\bsqlite\b/i },
  { name: 'Dolt', words: /\bdolt\b/i },
  { name: 'MongoDB', words: /\bmongo(?:db)?\b/i },
  { name: 'Redis', words: /\bredis\b/i },
  { name: 'Prisma', words: /\bprisma\b/i, extensions: ['prisma'] },
  { name: 'GraphQL', words: /\bgraphql\b/i, extensions: ['graphql'] },
  { name: 'MCP', words: /\bmcp\b/i },
  { name: 'Docker', words: /\bdocker(?:file|-compose)?\b/i },
  { name: 'Kubernetes', words: /\b(?:kubernetes|k8s)\b/i },
  { name: 'Terraform', words: /\bterraform\b/i, extensions: ['tf'] },
  { name: 'Nix', words: /\b(?:nix|nixos|bun2nix)\b/i, extensions: ['nix'] },
  { name: 'GitHub Actions', words: /\bgithub actions?\b|\.github\/workflows\b/i },
  { name: 'Playwright', words: /\bplaywright\b/i },
  { name: 'Vitest', words: /\bvitest\b/i },
  { name: 'Jest', words: /\bjest\b/i },
  { name: 'pytest', words: /\bpytest\b/i },
];
