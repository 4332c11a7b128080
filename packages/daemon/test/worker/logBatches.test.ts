import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createLogBatches, type LogBatch } from '../../src/worker/logBatches.js';

const out = (text: string) => ({ stream: 'stdout' as const, text });

function takeAll(batches: ReturnType<typeof createLogBatches>): LogBatch[] {
  const taken: LogBatch[] = [];
  for (let batch = batches.take(); batch !== null; batch = batches.take()) taken.push(batch);
  return taken;
}

const linesOf = (taken: readonly LogBatch[]) =>
  taken.flatMap(({ entries }) => entries.flatMap(({ text }) => text.split('\n')));

it('gathers lines into batches of a size, in order, with their streams', () => {
  const batches = createLogBatches({ batchBytes: 10, keepBytes: 1_000 });
  batches.add(out('abc'));
  batches.add(out('def'));
  batches.add({ stream: 'stderr', text: '' });
  expect(batches.hasFull()).toBe(false);
  batches.add(out('ghi'));
  expect(batches.hasFull()).toBe(true);
  expect(takeAll(batches)).toEqual([
    {
      entries: [
        { stream: 'stdout', text: 'abc\ndef' },
        { stream: 'stderr', text: '' },
      ],
      bytes: 9,
      droppedBytes: 0,
    },
    { entries: [{ stream: 'stdout', text: 'ghi' }], bytes: 4, droppedBytes: 0 },
  ]);
  expect(batches.count()).toBe(0);
});

it('cuts the middle out of a line that no chunk could hold', () => {
  const batches = createLogBatches({ batchBytes: 10, keepBytes: 10_000_000 });
  batches.add(out(`begin${'€'.repeat(500_000)}end`));
  const [batch] = takeAll(batches);
  expect(batch?.bytes).toBeLessThanOrEqual(256 * 1024);
  expect(batch?.entries[0]?.text).toMatch(/^begin€+\[… 12\d{5} bytes dropped …\]€+end$/);
});

it('closes a batch whose lines change their stream all the time', () => {
  const batches = createLogBatches({ batchBytes: 1_000_000, keepBytes: 10_000_000 });
  for (let index = 0; index < 3_000; index += 1)
    batches.add({ stream: index % 2 === 0 ? 'stdout' : 'stderr', text: `${index}` });
  expect(takeAll(batches).map(({ entries }) => entries.length)).toEqual([1_000, 1_000, 1_000]);
});

it('keeps head and tail of whatever comes, and tells at the right place how much is missing', () => {
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ length: fc.integer({ min: 0, max: 60 }), stderr: fc.boolean() }) },
    { weight: 2, arbitrary: fc.constant('take' as const) },
    { weight: 1, arbitrary: fc.constant('refused' as const) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const [batchBytes, keepBytes] = [50, 600];
      const batches = createLogBatches({ batchBytes, keepBytes });
      const added: string[] = [];
      const taken: LogBatch[] = [];
      let [addedBytes, takenBytes, waitingMost, refused] = [0, 0, 0, 0];
      for (const one of steps) {
        if (typeof one === 'object') {
          const text = `${added.length}`.padEnd(one.length, '.');
          added.push(text);
          addedBytes += text.length + 1;
          batches.add({ stream: one.stderr ? 'stderr' : 'stdout', text });
        } else {
          const batch = batches.take();
          if (batch === null) continue;
          takenBytes += batch.bytes;
          if (one === 'take') taken.push(batch);
          else {
            refused += batch.bytes;
            batches.noteDropped(batch);
          }
        }
        const droppedWaiting = batches.droppedBytes() - refused;
        waitingMost = Math.max(waitingMost, addedBytes - takenBytes - droppedWaiting);
      }
      taken.push(...takeAll(batches));
      const lines = linesOf(taken);
      // What came through came in order, and once.
      const places = lines.map((line) => Number.parseInt(line, 10));
      expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
      for (const line of lines) expect(added[Number.parseInt(line, 10)]).toBe(line);
      // Every byte came through or is told as missing, just before what followed it.
      const sent = taken.reduce((sum, batch) => sum + batch.bytes, 0);
      const told = taken.reduce((sum, batch) => sum + batch.droppedBytes, 0);
      expect(sent + told).toBe(addedBytes);
      expect(batches.droppedBytes()).toBe(told);
      let at = 0;
      for (const batch of taken) {
        at += batch.droppedBytes;
        const [first] = linesOf([batch]);
        const before = added.slice(0, Number.parseInt(first ?? '', 10));
        if (batch.bytes > 0) expect(before.reduce((sum, line) => sum + line.length + 1, 0)).toBe(at);
        at += batch.bytes;
      }
      // The first half never waits in vain, and memory has a bound.
      if (refused === 0 && added.length > 0) expect(lines[0]).toBe(added[0]);
      expect(waitingMost).toBeLessThanOrEqual(keepBytes + 2 * (batchBytes + 61));
    }),
  );
});

it('holds no more than head and tail, however much comes', () => {
  const batches = createLogBatches({ batchBytes: 100, keepBytes: 10_000 });
  for (let index = 0; index < 100_000; index += 1) batches.add(out(`${index}`.padStart(19, '0')));
  const taken = takeAll(batches);
  const bytes = taken.reduce((sum, batch) => sum + batch.bytes, 0);
  expect(bytes).toBeLessThanOrEqual(10_200);
  expect(bytes).toBeGreaterThan(9_800);
  const lines = linesOf(taken).map(Number);
  expect(lines.slice(0, 250)).toEqual(Array.from({ length: 250 }, (_, index) => index));
  expect(lines.at(-1)).toBe(99_999);
  expect(taken.filter((batch) => batch.droppedBytes > 0)).toHaveLength(1);
  expect(batches.droppedBytes()).toBe(2_000_000 - bytes);
});
