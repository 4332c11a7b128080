import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createCoalescer } from '@/lib/coalesce';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('the first request runs at once, those of the next second make one more run, and none is lost', async () => {
  const runs: number[] = [];
  const coalescer = createCoalescer(async () => {
    runs.push(performance.now());
  }, 1_000);
  const begun = performance.now();
  for (let step = 0; step < 250; step += 1) {
    coalescer.request();
    await vi.advanceTimersByTimeAsync(10);
  }
  await vi.advanceTimersByTimeAsync(5_000);
  expect(runs.map((at) => Math.round(at - begun))).toEqual([0, 1_000, 2_000, 3_000]);
});

test('a run never starts while one is under way, and what was asked meanwhile is done after it', async () => {
  let running = 0;
  let most = 0;
  let runs = 0;
  const coalescer = createCoalescer(async () => {
    running += 1;
    runs += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    running -= 1;
  }, 1_000);
  coalescer.request();
  await vi.advanceTimersByTimeAsync(100);
  coalescer.request();
  await vi.advanceTimersByTimeAsync(20_000);
  expect([most, runs]).toEqual([1, 2]);
});

test('nothing runs once it is stopped', async () => {
  let runs = 0;
  const coalescer = createCoalescer(async () => {
    runs += 1;
  }, 1_000);
  coalescer.request();
  coalescer.stop();
  coalescer.request();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(runs).toBe(0);
});
