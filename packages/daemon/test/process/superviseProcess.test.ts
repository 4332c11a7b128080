import { createHash, randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { superviseProcess } from '../../src/process/superviseProcess.js';
import { FIXTURES, supervise, superviseFixture, superviseShell } from './supervise.js';

it('reports the exit code and what was printed', async () => {
  const child = superviseShell('echo out; echo err >&2; exit 3');
  const outcome = await child.exited;
  expect(outcome).toMatchObject({ kind: 'exited', code: 3, pid: child.pid, survivors: [], problem: null });
  expect(outcome.endedDescendants).toBe(0);
  expect(outcome.stdout).toEqual({ text: 'out\n', totalBytes: 4, droppedBytes: 0 });
  expect(outcome.stderr.text).toBe('err\n');
  expect(child.lines).toEqual([
    { stream: 'stdout', text: 'out', cut: false },
    { stream: 'stderr', text: 'err', cut: false },
  ]);
});

it('keeps exit code 137 apart from a signal', async () => {
  expect(await superviseShell('exit 137').exited).toMatchObject({ kind: 'exited', code: 137 });
  expect(await superviseShell('kill -KILL $$').exited).toMatchObject({
    kind: 'signalled',
    signal: 'SIGKILL',
  });
});

it('says what to do when the program is not there', async () => {
  const missing = await supervise({ command: 'no-such-agent', environment: { PATH: '/usr/bin:/bin' } })
    .exited;
  expect(missing).toMatchObject({ kind: 'spawn_failed', code: 'ENOENT', pid: null });
  expect(missing.kind === 'spawn_failed' && missing.message).toMatch(/"no-such-agent".*PATH.*Install it/s);

  const noDirectory = await supervise({ command: '/bin/sh', cwd: '/no/such/directory' }).exited;
  expect(noDirectory.kind === 'spawn_failed' && noDirectory.message).toMatch(/working directory/);

  const noProgram = await supervise({ command: `${FIXTURES}dirty.mjs` }).exited;
  expect(noProgram).toMatchObject({ kind: 'spawn_failed', code: 'EACCES' });
  expect(noProgram.kind === 'spawn_failed' && noProgram.message).toMatch(/chmod \+x/);
});

it('reports arguments that the system refuses instead of throwing', async () => {
  const withNul = superviseShell('echo \0');
  expect(await withNul.exited).toMatchObject({ kind: 'spawn_failed', code: 'ERR_INVALID_ARG_VALUE' });
  const tooLong = superviseShell('true', { args: ['-c', 'x'.repeat(5 * 1024 * 1024)] });
  expect(await tooLong.exited).toMatchObject({ kind: 'spawn_failed', code: 'E2BIG' });
  expect(await tooLong.terminate('cancelled')).toMatchObject({ kind: 'spawn_failed' });
});

it('ends stdin at once, so that a program that waits for input goes on', async () => {
  const outcome = await superviseFixture('read-stdin.mjs').exited;
  expect(outcome).toMatchObject({ kind: 'exited', code: 0 });
  expect(outcome.stdout.text).toMatch(/^0 /);
});

it('hands over 5 MiB by stdin', async () => {
  const input = 'äöü€ 𝒳 line\n'.repeat(320_000).slice(0, 5 * 1024 * 1024);
  const outcome = await superviseFixture('read-stdin.mjs', { input }).exited;
  const bytes = Buffer.from(input);
  expect(bytes.length).toBeGreaterThan(5 * 1024 * 1024);
  expect(outcome.stdout.text).toBe(`${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}\n`);
});

it('does not mind a program that never reads its 5 MiB of input', async () => {
  const outcome = await superviseShell('exit 0', { input: 'x'.repeat(5 * 1024 * 1024) }).exited;
  expect(outcome).toMatchObject({ kind: 'exited', code: 0, problem: null });
});

it('gives the child the listed environment, its markers and nothing else', async () => {
  const runMarker = randomUUID();
  process.env.NEOLITH_TEST_SECRET = 'must stay here';
  try {
    const outcome = await supervise({
      command: '/usr/bin/env',
      environment: { PATH: '/usr/bin:/bin', LISTED: 'yes' },
      runMarker,
      daemonMarker: 'daemon-1',
      cwd: tmpdir(),
    }).exited;
    expect(outcome.stdout.text.trim().split('\n').sort()).toEqual([
      'LISTED=yes',
      `NEOLITH_ATTEMPT=${runMarker}`,
      'NEOLITH_DAEMON=daemon-1',
      'PATH=/usr/bin:/bin',
    ]);
  } finally {
    delete process.env.NEOLITH_TEST_SECRET;
  }
});

it('survives a callback that throws, and says so', async () => {
  const outcome = await superviseProcess(
    {
      command: '/bin/sh',
      args: ['-c', 'echo one; echo two'],
      cwd: FIXTURES,
      environment: {},
      timeoutMs: null,
      runMarker: randomUUID(),
    },
    {
      onLine: () => {
        throw new Error('listener broke');
      },
    },
  ).exited;
  expect(outcome).toMatchObject({ kind: 'exited', code: 0 });
  expect(outcome.stdout.text).toBe('one\ntwo\n');
  expect(outcome.problem?.message).toBe('listener broke');
});

it('runs twenty at once without mixing them up', async () => {
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, (_, index) => superviseShell(`echo n${index}; exit ${index}`).exited),
  );
  for (const [index, outcome] of outcomes.entries()) {
    expect(outcome).toMatchObject({ kind: 'exited', code: index, survivors: [] });
    expect(outcome.stdout.text).toBe(`n${index}\n`);
  }
});
