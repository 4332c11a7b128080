import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runNeolith } from './support/runNeolith.js';

let root = '';
let repository = '';
let home = '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'neolith-dry-'));
  repository = join(root, 'shop');
  home = join(root, 'home');
  await mkdir(repository);
  await writeFile(join(repository, 'README.md'), '# Shop\n');
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.org', ...args], {
      cwd: repository,
    });
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
  git('commit', '--quiet', '--message=Begin');
  // What git would refresh in its index if it were let.
  await writeFile(join(repository, 'README.md'), '# Shop\n');
  await writeFile(join(repository, 'plan.json'), JSON.stringify({ version: 1, name: 'Dry', tasks: TASKS }));
});
afterEach(async () => {
  await chmod(root, 0o700);
  await rm(root, { recursive: true, force: true });
});

const TASKS = [
  { id: 'parser', title: 'Fix the crash of the parser', description: 'It ends at a NUL byte.' },
  { id: 'docs', title: 'Document the parser', dependsOn: ['parser'] },
];

/** Everything below a directory: names, modes, times and contents. */
function listTree(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const path = join(directory, name);
      const { mode, mtimeMs, ctimeMs, ino } = lstatSync(path);
      const stat = lstatSync(path);
      const content = stat.isSymbolicLink()
        ? readlinkSync(path)
        : stat.isFile()
          ? readFileSync(path, 'base64')
          : '';
      return [name, mode, mtimeMs, ctimeMs, ino, content].join(' ');
    });
}

const dryRun = (cwd: string, ...more: string[]) =>
  runNeolith(
    ['execute', join(repository, 'plan.json'), '--dry-run', '--agent', 'shell', ...more],
    { NEOLITH_HOME: home, NEOLITH_SHELL_COMMAND: `echo started >> ${join(root, 'started')}`, HOME: root },
    cwd,
  );

it('a dry run prints assignment, waves and prompts, and touches nothing at all', async () => {
  const before = [listTree(root), lstatSync(root).mtimeMs];
  const { code, stdout, stderr } = await dryRun(repository, '--repo-path', '.', '--target', 'main');
  expect([listTree(root), lstatSync(root).mtimeMs]).toEqual(before);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('Dry: 2 open tasks in 2 waves');
  expect(stdout).toContain('Wave 2 of 2  (1 task)');
  expect(stdout).toMatch(/parser +shell +– +50 % +bug/);
  expect(stdout).toContain('It ends at a NUL byte.');
  expect(stdout).toContain('Runs: /bin/sh -c ');
  expect(stdout).toMatch(/With stdin: its context, \d+ bytes; variables: .*NEOLITH_TASK_ID/);
  expect(stdout).toContain('nothing was stored, started or changed');
  const { stdout: json } = await dryRun(repository, '--repo-path', '.', '--json');
  expect(JSON.parse(json)).toMatchObject({
    dryRun: true,
    waves: [['parser'], ['docs']],
    tasks: [
      {
        id: 'parser',
        assignment: { primary: 'shell' },
        decision: { strategy: 'fixed', candidates: [{ agent: 'shell', state: 'chosen' }] },
        execution: { agent: 'shell', provider: 'local', workingDirectory: 'WORKTREE', problem: null },
        prompt: expect.stringContaining('NUL byte'),
      },
      {},
    ],
  });
  expect([listTree(root), lstatSync(root).mtimeMs]).toEqual(before);
});

it('a dry run leaves a home alone that is there, and one that can not be written', async () => {
  await mkdir(home, { mode: 0o500 });
  const before = listTree(root);
  expect((await dryRun(repository, '--repo-path', '.')).code).toBe(0);
  expect(listTree(root)).toEqual(before);
});

it('a dry run works outside of a repository, and says so', async () => {
  const before = listTree(root);
  const { code, stdout } = await runNeolith(
    ['execute', join(repository, 'plan.json'), '--dry-run', '--agent', 'shell', '--agent', 'tool'],
    { NEOLITH_HOME: home, NEOLITH_SHELL_COMMAND: 'true' },
    root,
  );
  expect(code).toBe(0);
  expect(stdout).toContain('In no git repository');
  expect(listTree(root)).toEqual(before);
});

it.each([[['--dry-run']], [[]]])(
  'a target that is not there, or has changes, is refused before anything is stored or started (%j)',
  async (more) => {
    const execute = (target: string) =>
      runNeolith(
        ['execute', 'plan.json', '--agent', 'shell', '--repo-path', '.', '--target', target, ...more],
        { NEOLITH_HOME: home, NEOLITH_SHELL_COMMAND: 'true' },
        repository,
      );
    const nowhere = await execute('nowhere');
    expect(nowhere).toMatchObject({ code: 3, stdout: '' });
    expect(nowhere.stderr).toContain('There is no branch "nowhere"');
    await writeFile(join(repository, 'README.md'), '# Changed\n');
    const dirty = await execute('main');
    expect(dirty).toMatchObject({ code: 4, stdout: '' });
    expect(dirty.stderr).toContain('uncommitted changes (README.md)');
    expect(existsSync(join(home, 'logs'))).toBe(false);
  },
);
