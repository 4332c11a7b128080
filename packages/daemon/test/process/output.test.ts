import { randomUUID } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { expect, it } from 'vitest';
import { superviseProcess } from '../../src/process/superviseProcess.js';
import { FIXTURES, superviseFixture, superviseShell } from './supervise.js';

const MIB = 1024 * 1024;

interface Flood {
  readonly bytes: number;
  readonly shape: 'lines' | 'one-line';
}

/** Counts lines instead of keeping them, and watches memory and event loop meanwhile. */
async function runFlood({ bytes, shape }: Flood) {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  const before = process.memoryUsage().rss;
  let peak = before;
  let lines = 0;
  let longest = 0;
  delay.enable();
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 20);
  const outcome = await superviseProcess(
    {
      command: process.execPath,
      args: [`${FIXTURES}flood.mjs`, String(bytes), shape],
      cwd: FIXTURES,
      environment: {},
      timeoutMs: 60_000,
      outputLimitBytes: MIB,
      runMarker: randomUUID(),
      secrets: ['a secret to look for'],
    },
    {
      onLine: ({ text }) => {
        lines += 1;
        longest = Math.max(longest, text.length);
      },
    },
  ).exited;
  clearInterval(watch);
  delay.disable();
  return { outcome, lines, longest, grewBytes: peak - before, delayMsMax: delay.max / 1e6 };
}

it('takes a flood of 100 MB in bounded memory, with the event loop free', async () => {
  const { outcome, lines, grewBytes, delayMsMax } = await runFlood({ bytes: 100 * MIB, shape: 'lines' });
  expect(outcome).toMatchObject({ kind: 'exited', code: 0, problem: null });
  expect(lines).toBeGreaterThan(1_300_000);
  expect(outcome.stdout.totalBytes).toBeGreaterThan(100 * MIB);
  expect(Buffer.byteLength(outcome.stdout.text)).toBeLessThanOrEqual(MIB + 100);
  expect(outcome.stdout.text).toMatch(/^first\n.*\n\[… \d+ bytes dropped …\]\n.*\nlast\n$/s);
  expect(grewBytes).toBeLessThan(150 * MIB);
  expect(delayMsMax).toBeLessThan(1_000);
});

it('takes one line of 50 MB in bounded memory, cut in the middle', async () => {
  const { outcome, lines, longest, grewBytes } = await runFlood({ bytes: 50 * MIB, shape: 'one-line' });
  expect(outcome).toMatchObject({ kind: 'exited', code: 0 });
  expect(lines).toBe(3);
  expect(longest).toBeLessThan(260 * 1024);
  expect(outcome.stdout.text).toMatch(/^first\nx+\[… 5\d{7} bytes dropped …\]x+\nlast\n$/);
  expect(grewBytes).toBeLessThan(150 * MIB);
});

it('keeps characters whole that arrive byte by byte', async () => {
  const text = 'ä€𝒳 日本語 👩‍👩‍👧';
  const outcome = await superviseFixture('byte-by-byte.mjs', { args: [text] }).exited;
  expect(outcome.stdout.text).toBe(`${text}\n`);
});

it('removes NUL, escape sequences and broken UTF-8, and leaves HTML as text', async () => {
  const child = superviseFixture('dirty.mjs');
  await child.exited;
  expect(child.lines.slice(0, 3).map((line) => line.text)).toEqual([
    'nul[] colour[red] title[] bell[] html[<b>&]',
    'bad[\ufffd\ufffd\ufffd(]',
    'sur[\ufffd\ufffd\ufffd]',
  ]);
});

it('hands out a last line without a line break', async () => {
  const child = superviseShell('printf "one\\ntwo"');
  await child.exited;
  expect(child.lines.map((line) => line.text)).toEqual(['one', 'two']);
});

it('hides planted secrets in both streams, also across writes', async () => {
  const secret = 'hunter2-but-longer';
  const child = superviseShell(
    `printf 'key=hunter2'; sleep 0.05; echo '-but-longer.'; echo 'https://joe:${secret}@example.test' >&2`,
    { secrets: [secret] },
  );
  const outcome = await child.exited;
  expect(outcome.stdout.text).toBe('key=[redacted].\n');
  expect(outcome.stderr.text).toBe('https://joe:[redacted]@example.test\n');
});
