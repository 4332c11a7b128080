import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { createBoundedText } from '../../src/process/boundedText.js';
import { createLineSplitter } from '../../src/process/splitLines.js';

const MIB = 1024 * 1024;

/** Bytes in use once everything unreachable is gone, so that what a collector holds on to shows. */
function measureHeldBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

it('holds no more of an endless line than the limit', () => {
  const splitter = createLineSplitter(256 * 1024);
  const before = measureHeldBytes();
  for (let index = 0; index < 800; index += 1) splitter.push(Buffer.alloc(64 * 1024, 'x'));
  expect(measureHeldBytes() - before).toBeLessThan(20 * MIB);
  expect(splitter.end()).toEqual([
    expect.objectContaining({ kind: 'cut', droppedBytes: 50 * MIB - 256 * 1024 }),
  ]);
});

it.each([
  ['in large pieces', 64 * 1024],
  ['in small pieces', 40],
])('holds no more of an endless output than the limit, %s', (_name, size) => {
  const bounded = createBoundedText(MIB);
  const before = measureHeldBytes();
  for (let sent = 0; sent < 50 * MIB; sent += size) bounded.append('x'.repeat(size));
  expect(measureHeldBytes() - before).toBeLessThan(20 * MIB);
  expect(Buffer.byteLength(bounded.read().text)).toBeLessThan(MIB + 100);
});
