import type { ProjectFacts } from './promptParts.js';

type Command = ProjectFacts['commands'][number];

/** What the files at the top of a repository say about how it is checked. Missing files are ''. */
export interface CommandSources {
  readonly fileNames: readonly string[];
  /** Names of the scripts of package.json that do something. */
  readonly npmScripts: ReadonlySet<string>;
  readonly pyproject: string;
  readonly requirements: string;
  readonly makefile: string;
}

/** Names by which scripts and targets are known; the first that is there counts. */
const PURPOSES: readonly { readonly purpose: string; readonly names: readonly string[] }[] = [
  { purpose: 'tests', names: ['test', 'tests', 'test:unit'] },
  { purpose: 'types', names: ['typecheck', 'type-check', 'check-types', 'check:types', 'types', 'tsc'] },
  { purpose: 'lint', names: ['lint', 'lint:check'] },
  { purpose: 'checks', names: ['check', 'checks', 'verify'] },
  { purpose: 'format', names: ['format', 'fmt', 'prettier'] },
  { purpose: 'build', names: ['build'] },
];

/** How tests, types and lint of a repository are run, as far as its files tell. Commands are our words, not theirs. */
export function listCommands(sources: CommandSources): Command[] {
  return [
    ...listScripts(sources),
    ...listPythonCommands(sources),
    ...listToolchainCommands(sources),
    ...listMakeTargets(sources),
  ];
}

function listScripts({ fileNames, npmScripts }: CommandSources): Command[] {
  const runner = findRunner(fileNames);
  return PURPOSES.flatMap(({ purpose, names }) => {
    const name = names.find((one) => npmScripts.has(one));
    return name === undefined ? [] : [{ purpose, command: `${runner} run ${name}` }];
  });
}

function findRunner(fileNames: readonly string[]): string {
  if (fileNames.includes('pnpm-lock.yaml')) return 'pnpm';
  if (fileNames.includes('yarn.lock')) return 'yarn';
  return fileNames.includes('bun.lock') || fileNames.includes('bun.lockb') ? 'bun' : 'npm';
}

function listPythonCommands({ fileNames, pyproject, requirements }: CommandSources): Command[] {
  const text = `${pyproject}\n${requirements}`;
  const run = fileNames.includes('uv.lock')
    ? 'uv run '
    : fileNames.includes('poetry.lock')
      ? 'poetry run '
      : '';
  const commands: Command[] = [];
  if (/\bpytest\b/i.test(text) || fileNames.includes('pytest.ini'))
    commands.push({ purpose: 'tests', command: `${run}pytest` });
  if (/\bmypy\b/i.test(text) || fileNames.includes('mypy.ini'))
    commands.push({ purpose: 'types', command: `${run}mypy .` });
  if (/\bruff\b/i.test(text) || fileNames.includes('ruff.toml'))
    commands.push({ purpose: 'lint', command: `${run}ruff check .` });
  return commands;
}

function listToolchainCommands({ fileNames }: CommandSources): Command[] {
  const commands: Command[] = [];
  if (fileNames.includes('go.mod')) {
    commands.push(
      { purpose: 'tests', command: 'go test ./...' },
      { purpose: 'lint', command: 'go vet ./...' },
    );
  }
  if (fileNames.includes('Cargo.toml')) {
    commands.push({ purpose: 'tests', command: 'cargo test' }, { purpose: 'lint', command: 'cargo clippy' });
  }
  if (fileNames.includes('mix.exs')) commands.push({ purpose: 'tests', command: 'mix test' });
  if (fileNames.includes('pom.xml')) commands.push({ purpose: 'tests', command: 'mvn test' });
  if (fileNames.includes('gradlew')) commands.push({ purpose: 'tests', command: './gradlew test' });
  if (fileNames.some((name) => /\.(?:sln|slnx|csproj)$/.test(name)))
    commands.push({ purpose: 'tests', command: 'dotnet test' });
  return commands;
}

function listMakeTargets({ makefile }: CommandSources): Command[] {
  const targets = new Set(
    [...makefile.matchAll(/^([A-Za-z][\w-]{0,40})[ \t]{0,8}:(?!=)/gm)].map(([, name]) => name),
  );
  return PURPOSES.flatMap(({ purpose, names }) => {
    const name = names.find((one) => targets.has(one));
    return name === undefined ? [] : [{ purpose, command: `make ${name}` }];
  });
}
