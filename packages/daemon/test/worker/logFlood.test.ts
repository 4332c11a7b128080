import { randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { ATTEMPT_LOG_BYTES_MAX, type LogPage } from '@neolith/contracts';
import { expect, it } from 'vitest';
import { superviseProcess } from '../../src/process/superviseProcess.js';
import { createLogShipper } from '../../src/worker/logShipper.js';
import { FIXTURES } from '../process/supervise.js';
import { openWorkplace } from './support/workplace.js';

// Real programs under the real supervisor, their output sent over real sockets into a real database.
const work = openWorkplace();
const MIB = 1024 * 1024;

async function attempt(): Promise<string> {
  const ada = await work.orchestrator();
  const task = await work.task(ada);
  const execution = await work.engine.executeTask(ada.id, task.id, { leaseSeconds: 600 });
  if (execution.status !== 'in_progress') throw new Error(execution.error);
  return execution.attemptId;
}

/** Runs a program of the fixtures with its output shipped, and watches memory, event loop and heartbeats meanwhile. */
async function run(name: string, args: readonly string[], secrets: readonly string[] = []) {
  const attemptId = await attempt();
  const file = work.path('attempt.log');
  const client = work.client();
  const ship = createLogShipper({ client, attemptId, file });
  const before = process.memoryUsage().rss;
  const rss: number[] = [];
  let beats = 0;
  let slowestBeatMs = 0;
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const watch = setInterval(() => {
    rss.push(process.memoryUsage().rss);
  }, 20);
  let beating = Promise.resolve();
  const beat = setInterval(() => {
    const askedMs = performance.now();
    beating = client.renewLease({ params: { id: attemptId } }).then(() => {
      beats += 1;
      slowestBeatMs = Math.max(slowestBeatMs, performance.now() - askedMs);
    });
  }, 500);
  const outcome = await superviseProcess(
    {
      command: process.execPath,
      args: [`${FIXTURES}${name}`, ...args],
      cwd: FIXTURES,
      environment: {},
      timeoutMs: 120_000,
      runMarker: randomUUID(),
      secrets,
    },
    { onLine: (line) => ship.note(line) },
  ).exited;
  const report = await ship.finish();
  clearInterval(watch);
  clearInterval(beat);
  await beating;
  delay.disable();
  const chunks: LogPage['chunks'] = [];
  for (let after = 0; ; ) {
    const page = await work.engine.readAttemptLog(attemptId, { after });
    chunks.push(...page.chunks);
    after = page.next;
    if (!page.more) break;
  }
  const text = chunks.flatMap(({ entries }) => entries.map((entry) => entry.text)).join('\n');
  const missing = chunks.reduce((sum, { droppedBytes }) => sum + droppedBytes, 0);
  return {
    attemptId,
    outcome,
    report,
    text,
    missing,
    file,
    grewBytes: Math.max(before, ...rss) - before,
    // What the flood's second half took beyond its first.
    grewLaterBytes: Math.max(...rss.slice(rss.length / 2)) - Math.max(...rss.slice(0, rss.length / 2)),
    delayMsMax: delay.max / 1e6,
    beats,
    slowestBeatMs,
  };
}

it('an agent that floods a gigabyte: log capped with a mark, memory bounded, heartbeats on time', async () => {
  const flood = await run('flood.mjs', [String(1024 * MIB), 'lines']);
  expect(flood.outcome).toMatchObject({ kind: 'exited', code: 0, problem: null });
  expect(flood.outcome.stdout.totalBytes).toBeGreaterThan(1024 * MIB);
  expect(flood.report.ending).toBe('sent');
  const kept = Buffer.byteLength(flood.text) + 1;
  expect(kept).toBeLessThanOrEqual(ATTEMPT_LOG_BYTES_MAX);
  expect(kept).toBeGreaterThan(ATTEMPT_LOG_BYTES_MAX * 0.9);
  expect(flood.text).toMatch(/^first\nx{79}\n/);
  expect(flood.text).toMatch(/x{79}\n\nlast$/);
  // Not a byte is unaccounted for, wherever it was dropped.
  expect(kept + flood.missing).toBe(flood.outcome.stdout.totalBytes);
  expect(statSync(flood.file).size).toBeLessThan(ATTEMPT_LOG_BYTES_MAX * 1.1);
  expect(readFileSync(flood.file, 'utf8')).toMatch(
    /^first\nx{79}\n.*\n\[… \d+ bytes dropped …\]\n.*\n\nlast\n$/s,
  );
  // Server, engine and what the test reads back are in this process as well.
  expect(flood.grewBytes).toBeLessThan(400 * MIB);
  expect(flood.grewLaterBytes).toBeLessThan(100 * MIB);
  expect(flood.delayMsMax).toBeLessThan(1_000);
  expect(flood.beats).toBeGreaterThan(3);
  expect(flood.slowestBeatMs).toBeLessThan(3_000);
});

it('an agent that prints one line of 50 MB: the line is cut with a mark, memory bounded', async () => {
  const { outcome, text, report, grewBytes } = await run('flood.mjs', [String(50 * MIB), 'one-line']);
  expect(outcome).toMatchObject({ kind: 'exited', code: 0 });
  expect(report).toMatchObject({ ending: 'sent', droppedBytes: 0 });
  expect(text).toMatch(/^first\nx+\[… 5\d{7} bytes dropped …\]x+\nlast$/);
  expect(text.length).toBeLessThan(270 * 1024);
  expect(grewBytes).toBeLessThan(200 * MIB);
});

it('no secret that is known reaches the server or the local file, wherever it is cut', async () => {
  const secret = 'Sup3r/Secret+Tok3n:äö"\\';
  const { outcome, attemptId, text, file } = await run('secrets.mjs', [secret], [secret]);
  expect(outcome).toMatchObject({ kind: 'exited', code: 0 });
  expect(text).toMatch(/slow \[redacted\] end/);
  expect(text.split('[redacted]').length).toBeGreaterThan(80);
  expect(text).toMatch(/done$/);
  const { rows } = await work.database.database.pool.query(
    `SELECT string_agg(entries::text, '') AS text FROM attempt_log_chunks WHERE attempt_id = $1`,
    [attemptId.slice(4)],
  );
  const sent = JSON.stringify(work.server.calls.map(({ body }) => body));
  for (const place of [text, rows[0].text as string, sent, readFileSync(file, 'utf8')]) {
    // Nor a piece of it of any length that helps.
    for (let at = 0; at + 8 <= secret.length; at += 1) expect(place).not.toContain(secret.slice(at, at + 8));
    expect(place).not.toContain(encodeURIComponent(secret).slice(0, 20));
    expect(place).not.toContain(Buffer.from(secret).toString('base64').slice(0, 20));
  }
});

it('NUL, escape sequences, broken UTF-8 and HTML arrive as text that harms nobody', async () => {
  const { text, report } = await run('dirty.mjs', []);
  expect(report.ending).toBe('sent');
  expect(text.split('\n').slice(0, 3)).toEqual([
    'nul[] colour[red] title[] bell[] html[<b>&]',
    'bad[\ufffd\ufffd\ufffd(]',
    'sur[\ufffd\ufffd\ufffd]',
  ]);
});
