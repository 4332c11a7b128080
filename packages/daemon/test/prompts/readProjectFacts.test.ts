import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { preparePrompt, preparePrompts, readProjectFacts } from '../../src/prompts/index.js';
import { makeContext } from './contexts.js';
import { findData, readPrompt } from './readPrompt.js';

let root: string;
let repository: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'neolith-facts-'));
  repository = join(root, 'repository');
  mkdirSync(repository);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(files: Record<string, string>): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(repository, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
}

test('a project of Node tells its name, technologies and commands by its files', async () => {
  write({
    'package.json': JSON.stringify({
      name: 'shop',
      scripts: { test: 'vitest run', lint: 'biome check', 'type-check': 'tsc', build: '', start: 'x' },
      dependencies: { react: '19' },
      devDependencies: { vitest: '4' },
    }),
    'tsconfig.json': '{}',
    'pnpm-lock.yaml': '',
  });
  expect(await readProjectFacts(repository)).toEqual({
    name: 'shop',
    technologies: ['Node.js', 'TypeScript', 'pnpm', 'React', 'Vitest'],
    standards: [],
    commands: [
      { purpose: 'tests', command: 'pnpm run test' },
      { purpose: 'types', command: 'pnpm run type-check' },
      { purpose: 'lint', command: 'pnpm run lint' },
    ],
  });
});

test.each([
  [{ 'go.mod': 'module example.com/x\n' }, 'example.com/x', ['Go'], ['go test ./...', 'go vet ./...']],
  [{ 'Cargo.toml': '[package]\nname = "x"\n' }, 'x', ['Rust'], ['cargo test', 'cargo clippy']],
  [
    { 'pyproject.toml': '[project]\nname = "y"\n[tool.pytest.ini_options]\n[tool.ruff]\n', 'uv.lock': '' },
    'y',
    ['Python', 'uv', 'pytest', 'Ruff'],
    ['uv run pytest', 'uv run ruff check .'],
  ],
  [
    { Makefile: 'VERSION := 1\ntest: build\n\tx\nlint:\n\ty\n' },
    undefined,
    ['Make'],
    ['make test', 'make lint'],
  ],
])('%o is understood', async (files, name, technologies, commands) => {
  write(files);
  const facts = await readProjectFacts(repository);
  expect(facts.name).toBe(name);
  expect(facts.technologies).toEqual(technologies);
  expect(facts.commands.map(({ command }) => command)).toEqual(commands);
});

test('an empty directory has no facts, and one that is not there is an error', async () => {
  expect(await readProjectFacts(repository)).toEqual({ technologies: [], standards: [], commands: [] });
  await expect(readProjectFacts(join(root, 'nowhere'))).rejects.toThrow('ENOENT');
});

test('files that are broken, or of other kinds than expected, are passed over', async () => {
  write({ 'package.json': '{ "scripts": [1], "dependencies": "x", "name": 5', 'CLAUDE.md/inner.md': 'x' });
  expect(await readProjectFacts(repository)).toEqual({
    technologies: ['Node.js'],
    standards: [],
    commands: [],
  });
});

test('standards are read, each file once however it is called, in a fixed order', async () => {
  write({
    'CONTRIBUTING.md': 'Be kind.',
    'AGENTS.md': 'Small files.',
    '.cursor/rules/b.mdc': 'b',
    '.cursor/rules/a.md': 'a',
    '.cursor/rules/c.json': 'no',
  });
  symlinkSync('AGENTS.md', join(repository, 'CLAUDE.md'));
  expect((await readProjectFacts(repository)).standards).toEqual([
    { file: 'AGENTS.md', text: 'Small files.' },
    { file: 'CONTRIBUTING.md', text: 'Be kind.' },
    { file: '.cursor/rules/a.md', text: 'a' },
    { file: '.cursor/rules/b.mdc', text: 'b' },
  ]);
});

test('links out of the repository, into .git, to files of another sort and round in circles are not followed', async () => {
  writeFileSync(join(root, 'outside.md'), 'outside secret');
  mkdirSync(join(root, 'outer'));
  writeFileSync(join(root, 'outer', 'x.md'), 'outside secret');
  writeFileSync(join(root, 'package.json'), '{"name":"outside secret"}');
  write({ '.git/config.md': 'secret of git', '.env': 'SECRET=1', 'docs/kept.md': 'kept' });
  const link = (target: string, name: string) => symlinkSync(target, join(repository, name));
  link('../outside.md', 'AGENTS.md');
  link('.git/config.md', 'CLAUDE.md');
  link('.env', 'GEMINI.md');
  link('CONVENTIONS.md', 'CONVENTIONS.md');
  link('docs/kept.md', 'CONTRIBUTING.md');
  link('../package.json', 'package.json');
  link(join(root, 'outer'), '.clinerules');
  const facts = await readProjectFacts(repository);
  expect(facts.standards).toEqual([{ file: 'CONTRIBUTING.md', text: 'kept' }]);
  expect(JSON.stringify(facts)).not.toMatch(/secret/i);
});

test('a file of many megabytes is shortened with a mark', async () => {
  write({ 'AGENTS.md': `begin ${'x'.repeat(3 * 1024 * 1024)} end` });
  const [standard] = (await readProjectFacts(repository)).standards;
  expect(standard?.text.length).toBeLessThan(70_000);
  expect(standard?.text).toMatch(/^begin x+\n\[… \d+ bytes dropped …\]\nx+$/);
});

test('a prompt is prepared from a context and a directory, without what is secret', async () => {
  write({ 'AGENTS.md': 'Token: correct-horse-battery', 'go.mod': 'module example.com/x\n' });
  const input = {
    context: makeContext({ description: 'See ghp_0123456789abcdefghij.' }),
    agent: 'codex',
    directory: repository,
    secrets: ['correct-horse-battery'],
  };
  const prompt = readPrompt(await preparePrompt(input));
  expect(findData(prompt, 'standards')).toBe('File: AGENTS.md\n\nToken: [redacted]');
  expect(findData(prompt, 'task.overview')).toBe('See [redacted].');
  expect(findData(prompt, 'project')).toContain('go test ./...');
  expect(prompt.delimiter).not.toBe(readPrompt(await preparePrompt(input)).delimiter);
});

test('prompts for many tasks are those of each, and the facts of a directory are read once', async () => {
  write({ 'AGENTS.md': 'First.' });
  const input = { agent: 'claude', directory: repository, delimiter: 'fixed-delimiter' };
  const contexts = ['A', 'B', 'C'].map((title) => makeContext({ title }));
  const list = contexts.map((context) => ({ ...input, context }));
  const prompts = await preparePrompts(list);
  expect(prompts).toEqual(await Promise.all(list.map((one) => preparePrompt(one))));

  // Writing the first prompt changes the file; a second look would see it.
  const meddling = Object.defineProperty(makeContext(), 'dependencies', {
    get: () => {
      write({ 'AGENTS.md': 'Second.' });
      return [];
    },
  });
  const both = await preparePrompts([{ ...input, context: meddling }, ...list]);
  for (const prompt of both) expect(findData(readPrompt(prompt), 'standards')).toContain('First.');
  expect(await preparePrompts([{ ...input, context: makeContext(), directory: null }])).toEqual([
    await preparePrompt({ ...input, context: makeContext(), directory: null }),
  ]);
});
