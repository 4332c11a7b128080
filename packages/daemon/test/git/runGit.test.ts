import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { cleanGitText } from '../../src/git/cleanGitText.js';
import { explainGitFailure } from '../../src/git/explainGitFailure.js';
import { buildGitEnvironment } from '../../src/git/gitEnvironment.js';
import { GitError } from '../../src/git/gitError.js';
import { runGit } from '../../src/git/runGit.js';
import { isAlive, waitFor } from '../process/processes.js';
import { makeWorkshop, type Workshop } from './support/workshop.js';

let shop: Workshop;

beforeEach(() => {
  shop = makeWorkshop();
});

afterEach(() => shop.remove());

const call = (args: string[], more: Partial<Parameters<typeof runGit>[0]> = {}) =>
  runGit({ cwd: shop.path, args, environment: buildGitEnvironment(shop.environment), ...more });

/** A `git` that is another program, first in PATH. */
function plantGit(script: string): Record<string, string> {
  const bin = join(shop.root, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'git'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, 'git'), 0o755);
  return buildGitEnvironment({ ...shop.environment, PATH: `${bin}:${shop.environment.PATH}` });
}

async function failure(promise: Promise<unknown>): Promise<GitError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof GitError) return error;
    throw error;
  }
  throw new Error('It did not fail');
}

it('runs a git command and hands out what it printed', async () => {
  const { stdout, exitCode } = await call(['rev-parse', '--abbrev-ref', 'HEAD']);
  expect([stdout.toString(), exitCode]).toEqual(['main\n', 0]);
});

it('hands on nothing of the environment but what git needs', () => {
  const environment = buildGitEnvironment({
    PATH: '/bin',
    HOME: '/home/ann',
    GIT_AUTHOR_NAME: 'Ann',
    GIT_DIR: '/elsewhere',
    GIT_SSH_COMMAND: 'touch pwned',
    ANTHROPIC_API_KEY: 'planted-secret-value',
    NEOLITH_TOKEN: 'neo_planted',
  });
  expect(environment).toMatchObject({
    PATH: '/bin',
    HOME: '/home/ann',
    GIT_AUTHOR_NAME: 'Ann',
    GIT_TERMINAL_PROMPT: '0',
  });
  expect(JSON.stringify(environment)).not.toMatch(/elsewhere|pwned|planted/);
});

it('says that git is missing, and not that the directory is', async () => {
  const missing = await failure(call(['status'], { environment: { PATH: join(shop.root, 'nothing') } }));
  expect(missing.code).toBe('GIT_NOT_FOUND');
  expect(missing.message).toContain('Install git');
  expect((await failure(call(['status'], { cwd: join(shop.root, 'nothing') }))).code).toBe(
    'DIRECTORY_UNUSABLE',
  );
});

it('says that a directory is in no repository', async () => {
  const error = await failure(call(['status'], { cwd: shop.root }));
  expect(error.code).toBe('NOT_A_REPOSITORY');
  expect(error.message).toContain('git init');
});

it('ends a command and what it started after the time limit', async () => {
  const pidFile = join(shop.root, 'pid');
  const environment = plantGit(`sleep 300 & echo $! > ${pidFile}; wait`);
  const error = await failure(call(['status'], { environment, timeoutMs: 300 }));
  expect(error.code).toBe('GIT_TIMED_OUT');
  const pid = Number(readFileSync(pidFile, 'utf8'));
  await waitFor(() => !isAlive(pid), 'the end of what git started');
});

it('waits for git alone, not for what it left in the background with its output in hand', async () => {
  const pidFile = join(shop.root, 'pid');
  const environment = plantGit(`seq 1 50000; setsid sleep 300 & echo $! > ${pidFile}; exit 1`);
  const startedMs = performance.now();
  const { stdout, exitCode } = await call(['status'], { environment, answers: [1], timeoutMs: 60_000 });
  expect(performance.now() - startedMs).toBeLessThan(30_000);
  expect(exitCode).toBe(1);
  expect(stdout.toString('utf8').endsWith('\n49999\n50000\n')).toBe(true);
  process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL');
});

it('keeps output within its bound, and ends who floods', async () => {
  const environment = plantGit('exec yes');
  const error = await failure(call(['status'], { environment, outputLimitBytes: 100_000 }));
  expect(error.code).toBe('GIT_OUTPUT_TOO_LARGE');
});

it('takes exit codes that are an answer for one', async () => {
  expect((await call(['config', '--get', 'no.such'], { answers: [0, 1] })).exitCode).toBe(1);
  expect((await failure(call(['config', '--get', 'no.such']))).code).toBe('GIT_FAILED');
});

it('takes credentials out of what git says', () => {
  const said =
    "fatal: unable to access 'https://ann:hunter2hunter2@host/x' and 'https://s3cr3t-t0ken@host/x'\u001b[31m";
  const clean = cleanGitText(said);
  expect(clean).not.toMatch(/hunter2|s3cr3t/);
  expect(clean).not.toContain('\u001b');
  expect(clean).toContain('@host/x');
  const error = explainGitFailure({ what: 'git fetch', cwd: '/x', code: 128, signal: null, errors: said });
  expect(error.message).not.toMatch(/hunter2|s3cr3t/);
});

it.each([
  ['DISK_FULL', 'error: unable to write file a.txt: No space left on device'],
  ['REPOSITORY_NOT_TRUSTED', "fatal: detected dubious ownership in repository at '/x'"],
  ['REPOSITORY_LOCKED', "fatal: Unable to create '/x/.git/index.lock': File exists."],
  ['GIT_FAILED', 'fatal: something else'],
] as const)('knows %s by what git says', (code, errors) => {
  const error = explainGitFailure({ what: 'git add', cwd: '/x', code: 128, signal: null, errors });
  expect(error.code).toBe(code);
});

it('runs neither hooks nor a file system monitor of the repository', async () => {
  const mark = join(shop.root, 'ran');
  for (const hook of [
    'pre-commit',
    'commit-msg',
    'post-commit',
    'reference-transaction',
    'post-index-change',
  ]) {
    const path = join(shop.path, '.git', 'hooks', hook);
    writeFileSync(path, `#!/bin/sh\necho ${hook} >> ${mark}\n`);
    chmodSync(path, 0o755);
  }
  const monitor = join(shop.root, 'monitor');
  writeFileSync(monitor, `#!/bin/sh\necho monitor >> ${mark}\n`);
  chmodSync(monitor, 0o755);
  const bare = (args: string[]) => shop.git('-c', 'user.name=a', '-c', 'user.email=b', ...args);
  bare(['commit', '--quiet', '--allow-empty', '--message=with hooks']);
  expect(existsSync(mark)).toBe(true);
  writeFileSync(mark, '');
  shop.git('config', 'core.fsmonitor', monitor);
  const identity = {
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'b',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'b',
  };
  await call(['status', '--porcelain']);
  await call(['commit', '--quiet', '--allow-empty', '--message=without'], { variables: identity });
  expect(readFileSync(mark, 'utf8')).toBe('');
});
