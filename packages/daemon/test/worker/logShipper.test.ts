import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient, type LogPage } from '@neolith/contracts';
import { expect, it, onTestFinished } from 'vitest';
import { createLog } from '../../src/worker/index.js';
import { createLogShipper, type LogShipperOptions } from '../../src/worker/logShipper.js';
import { openWorkplace, until } from './support/workplace.js';

const work = openWorkplace();
const out = (text: string) => ({ stream: 'stdout' as const, text, cut: false });

async function attempt(): Promise<{ taskId: string; attemptId: string }> {
  const ada = await work.orchestrator();
  const task = await work.task(ada);
  const execution = await work.engine.executeTask(ada.id, task.id, { leaseSeconds: 600 });
  if (execution.status !== 'in_progress') throw new Error(execution.error);
  return { taskId: task.id, attemptId: execution.attemptId };
}

/** A shipper to the server of the test, quick enough for it. */
function shipper(attemptId: string, options: Partial<LogShipperOptions> = {}) {
  return createLogShipper({
    client: work.client(),
    attemptId,
    intervalMs: 30,
    paceMs: 5,
    random: () => 0,
    ...options,
  });
}

async function stored(attemptId: string): Promise<LogPage['chunks']> {
  const chunks: LogPage['chunks'] = [];
  for (let after = 0; ; ) {
    const page = await work.engine.readAttemptLog(attemptId, { after });
    chunks.push(...page.chunks);
    after = page.next;
    if (!page.more) return chunks;
  }
}

const textOf = (chunks: LogPage['chunks']) =>
  chunks.flatMap(({ entries }) => entries.map(({ text }) => text)).join('\n');
const sends = () => work.server.calls.filter(({ name }) => name === 'appendAttemptLog');

it('sends what an agent prints while it works, and at the end that this was all', async () => {
  const { attemptId } = await attempt();
  const ship = shipper(attemptId);
  ship.note(out('one'));
  ship.note({ stream: 'stderr', text: 'two', cut: false });
  await until(async () => textOf(await stored(attemptId)) === 'one\ntwo', 'the first lines to arrive');
  expect((await work.engine.readAttemptLog(attemptId)).complete).toBe(false);
  ship.note(out('three'));
  const report = await ship.finish();
  expect(report).toEqual({ ending: 'sent', sentBytes: 14, droppedBytes: 0 });
  expect(await ship.finish()).toBe(report);
  ship.note(out('too late'));
  expect(await work.engine.readAttemptLog(attemptId)).toMatchObject({ complete: true, keptBytes: 14 });
  expect(sends().map(({ body }) => [body.sequence, body.last])).toEqual([
    [1, false],
    [2, true],
  ]);
});

it('says so as well where nothing was printed', async () => {
  const { attemptId } = await attempt();
  expect(await shipper(attemptId).finish()).toEqual({ ending: 'sent', sentBytes: 0, droppedBytes: 0 });
  expect(await work.engine.readAttemptLog(attemptId)).toMatchObject({ complete: true, chunks: [] });
});

it('gathers lines for a while, but sends a full batch at once, and no more than its pace', async () => {
  const { attemptId } = await attempt();
  const ship = shipper(attemptId, { intervalMs: 60_000, batchBytes: 1_000, paceMs: 80 });
  for (let index = 0; index < 100; index += 1) ship.note(out(`${index}`.padEnd(99, '.')));
  await until(() => sends().length >= 4, 'four batches');
  const times = sends().map(({ atMs }) => atMs);
  // Over all of them: one that comes late on a busy machine makes the next one seem early.
  expect((times[3] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(3 * 80 - 40);
  await ship.finish();
  expect(textOf(await stored(attemptId)).split('\n')).toHaveLength(100);
  expect(sends().length).toBe(10);
});

it('tries again while the server is away, loses an answer, or asks to wait, and stores nothing twice', async () => {
  const { attemptId } = await attempt();
  const logged: string[] = [];
  const ship = shipper(attemptId, { log: createLog({ form: 'json', write: (line) => logged.push(line) }) });
  const faults = [
    { kind: 'answer', status: 503 },
    { kind: 'lose_answer' },
    { kind: 'answer', status: 502 },
    { kind: 'answer', status: 429 },
  ] as const;
  let at = 0;
  work.server.fault = ({ name }) => (name === 'appendAttemptLog' ? (faults[at++] ?? null) : null);
  ship.note(out('one'));
  await until(async () => at > faults.length, 'the faults to be over');
  await work.server.goAway();
  ship.note(out('two'));
  await until(() => logged.length > 0, 'it to notice');
  await work.server.comeBack();
  expect(await ship.finish()).toMatchObject({ ending: 'sent', droppedBytes: 0 });
  expect(textOf(await stored(attemptId))).toBe('one\ntwo');
  expect(sends().length).toBeGreaterThanOrEqual(6);
  // Once for each time of trouble, not for each try.
  expect(logged.length).toBeLessThanOrEqual(2);
});

it('waits as long as the server asks it to', async () => {
  const { attemptId } = await attempt();
  const ship = shipper(attemptId);
  let refused = 0;
  work.server.fault = ({ name }) => {
    if (name !== 'appendAttemptLog' || refused > 0) return null;
    refused += 1;
    return { kind: 'answer', status: 429, headers: { 'retry-after': '1' } };
  };
  ship.note(out('one'));
  await until(async () => textOf(await stored(attemptId)) === 'one', 'the line to arrive');
  const [first, second] = sends();
  expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThan(990);
  await ship.finish();
});

it('gives up when the attempt is lost, and goes on writing the local file', async () => {
  const { attemptId, taskId } = await attempt();
  const file = work.path('logs/lost.log');
  const ship = shipper(attemptId, { file });
  ship.note(out('ours'));
  await until(async () => textOf(await stored(attemptId)) === 'ours', 'the line to arrive');
  await work.database.database.pool.query(
    `UPDATE leases SET expires_at = now() - interval '1 second' WHERE attempt_id = $1`,
    [attemptId.slice(4)],
  );
  await work.engine.sweepExpiredLeases();
  expect((await work.engine.getTask(taskId)).status).toBe('TODO');
  ship.note(out('no longer ours'));
  await until(() => sends().length >= 2, 'it to be told');
  const calls = sends().length;
  for (let index = 0; index < 1_000; index += 1) ship.note(out(`more ${index}`));
  expect(await ship.finish()).toMatchObject({ ending: 'lost' });
  expect(sends().length).toBe(calls);
  expect(textOf(await stored(attemptId))).toBe('ours');
  expect(readFileSync(file, 'utf8')).toMatch(/^ours\nno longer ours\nmore 0\n.*more 999\n$/s);
});

it('goes on without a piece that the server refuses, and tells how much is missing', async () => {
  const { attemptId } = await attempt();
  const ship = shipper(attemptId);
  work.server.fault = ({ name, body }) =>
    name === 'appendAttemptLog' && JSON.stringify(body).includes('poison')
      ? { kind: 'answer', status: 413 }
      : null;
  ship.note(out('one'));
  await until(() => sends().length === 1, 'the first piece');
  ship.note(out('poison'));
  await until(() => sends().length === 2, 'the second piece');
  ship.note(out('three'));
  expect(await ship.finish()).toEqual({ ending: 'sent', sentBytes: 10, droppedBytes: 7 });
  const chunks = await stored(attemptId);
  expect(textOf(chunks)).toBe('one\nthree');
  expect(chunks[1]?.droppedBytes).toBe(7);
});

it('stops for good at a server that knows no logs, and at the end of its patience', async () => {
  let calls = 0;
  const old = createServer((_request, response) => {
    calls += 1;
    response.writeHead(404, { 'content-type': 'application/problem+json' });
    response.end(
      JSON.stringify({ type: 'about:blank', title: 'x', status: 404, detail: 'x', code: 'ROUTE_NOT_FOUND' }),
    );
  });
  await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void old.close());
  const url = `http://127.0.0.1:${(old.address() as AddressInfo).port}`;
  const ship = shipper('att_1', { client: createClient({ baseUrl: url, token: 't' }) });
  ship.note(out('one'));
  await until(() => calls === 1, 'the call');
  for (let index = 0; index < 10; index += 1) ship.note(out('more'));
  expect(await ship.finish()).toMatchObject({ ending: 'refused', sentBytes: 0 });
  expect(calls).toBe(1);

  const { attemptId } = await attempt();
  await work.server.goAway();
  const away = shipper(attemptId);
  away.note(out('one'));
  const begunAt = performance.now();
  expect(await away.finish({ withinMs: 300 })).toEqual({ ending: 'away', sentBytes: 0, droppedBytes: 4 });
  expect(performance.now() - begunAt).toBeLessThan(2_000);
  await work.server.comeBack();
});

it('keeps head and tail of what is printed while the server is away', async () => {
  const { attemptId } = await attempt();
  await work.server.goAway();
  const ship = shipper(attemptId, { keepBytes: 100_000, batchBytes: 4_000 });
  for (let index = 0; index < 50_000; index += 1) ship.note(out(`${index}`.padStart(9, '0')));
  await work.server.comeBack();
  const report = await ship.finish();
  expect(report.ending).toBe('sent');
  const chunks = await stored(attemptId);
  const lines = textOf(chunks).split('\n').map(Number);
  expect(lines[0]).toBe(0);
  expect(lines[4_999]).toBe(4_999);
  expect(lines.at(-1)).toBe(49_999);
  expect(lines.length).toBeLessThan(11_000);
  expect(chunks.reduce((sum, chunk) => sum + chunk.droppedBytes, 0)).toBe(500_000 - lines.length * 10);
  expect(report.droppedBytes).toBe(500_000 - lines.length * 10);
});

it('writes the same to a file of this user alone, head and tail with a mark between', async () => {
  const { attemptId } = await attempt();
  const file = work.path('logs/here/attempt.log');
  const small = shipper(attemptId, { file });
  small.note(out('one'));
  small.note({ stream: 'stderr', text: 'two', cut: false });
  await small.finish();
  expect(readFileSync(file, 'utf8')).toBe('one\ntwo\n');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(work.path('logs/here')).mode & 0o777).toBe(0o700);

  const large = work.path('logs/large.log');
  const second = await attempt();
  const ship = shipper(second.attemptId, { file: large, keepBytes: 1_000_000 });
  for (let index = 0; index < 100_000; index += 1) {
    ship.note(out(`${index}`.padStart(99, '0')));
    // As lines come from a process: not all of them in one turn.
    if (index % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await until(() => existsSync(`${large}.tail`), 'the tail to begin');
  expect(statSync(`${large}.tail`).mode & 0o777).toBe(0o600);
  await ship.finish();
  expect(readdirSync(work.path('logs')).sort()).toEqual(['here', 'large.log']);
  const text = readFileSync(large, 'utf8');
  expect(text.length).toBeLessThan(1_300_000);
  expect(text).toMatch(/^0{99}\n0{98}1\n/);
  expect(text).toMatch(/\n\[… \d+ bytes dropped …\]\n/);
  expect(text).toMatch(/0{94}99999\n$/);
});

it('never throws at those who print when the file can not be written', async () => {
  const { attemptId } = await attempt();
  const logged: string[] = [];
  const ship = shipper(attemptId, {
    file: join(fileURLToPath(import.meta.url), 'is-no-directory.log'),
    log: createLog({ form: 'json', write: (line) => logged.push(line) }),
  });
  for (let index = 0; index < 20_000; index += 1) ship.note(out('a line of some length'));
  expect(await ship.finish()).toMatchObject({ ending: 'sent', droppedBytes: 0 });
  expect(logged.filter((line) => line.includes('local log'))).toHaveLength(1);
});
