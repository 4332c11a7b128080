import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Into which all work goes. Checked out nowhere. */
export const TARGET = 'done';

/** The git repository that the daemons share. */
export interface WorkRepository {
  readonly path: string;
  /** Of the daemons, too: nothing of this machine's configuration counts. */
  readonly environment: Readonly<Record<string, string>>;
  /** Everything under `work/` in the target branch: name → text. */
  readWork(): Promise<Map<string, string>>;
  /** For each task how many commits of the target branch say to be its. */
  countCommits(): Promise<Map<string, number>>;
  /** What is left of half-done operations: lock files, and what `git fsck` finds. */
  findFaults(): Promise<string[]>;
  countWorktrees(): Promise<number>;
}

export async function makeWorkRepository(directory: string): Promise<WorkRepository> {
  const path = join(directory, 'repository');
  const environment = {
    HOME: directory,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
  };
  const git = async (...args: string[]): Promise<string> => {
    const { stdout } = await execute('git', args, {
      cwd: path,
      env: { PATH: process.env.PATH, ...environment },
      maxBuffer: 100_000_000,
    });
    return stdout;
  };
  await mkdir(path);
  await git('init', '-q', '-b', 'main');
  await git('config', 'user.name', 'Chaos');
  await git('config', 'user.email', 'chaos@example.org');
  // Housekeeping in the background would outlive the run.
  await git('config', 'gc.auto', '0');
  await git('config', 'maintenance.auto', 'false');
  await writeFile(join(path, 'README.md'), 'Work of a chaos run.\n');
  await git('add', '.');
  await git('commit', '-q', '-m', 'Begin');
  await git('branch', TARGET);

  return {
    path,
    environment,
    async readWork() {
      const names = (await git('ls-tree', '-r', '--name-only', '-z', TARGET, 'work/'))
        .split('\0')
        .filter((name) => name !== '');
      const work = new Map<string, string>();
      for (const name of names) work.set(name.slice('work/'.length), await git('show', `${TARGET}:${name}`));
      return work;
    },
    async countCommits() {
      const counts = new Map<string, number>();
      const log = await git(
        'log',
        '--format=%(trailers:key=Neolith-Task,valueonly,separator=%x2C)',
        `main..${TARGET}`,
      );
      for (const id of log.split('\n').filter((line) => line !== ''))
        counts.set(id, (counts.get(id) ?? 0) + 1);
      return counts;
    },
    async findFaults() {
      const names = await readdir(join(path, '.git'), { recursive: true });
      const locks = names.filter((name) => name.endsWith('.lock'));
      const { stdout, stderr } = await execute('git', ['fsck', '--no-dangling', '--no-progress'], {
        cwd: path,
        env: { PATH: process.env.PATH, ...environment },
      }).catch((error: { stdout: string; stderr: string }) => error);
      const damage = `${stdout}${stderr}`.split('\n').filter((line) => line !== '');
      return [...locks.map((name) => `The lock ${name} is left in the repository`), ...damage];
    },
    countWorktrees: async () =>
      (await git('worktree', 'list', '--porcelain'))
        .split('\n')
        .filter((line) => line.startsWith('worktree ')).length - 1,
  };
}
