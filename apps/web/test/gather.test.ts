import { expect, test } from 'vitest';
import { gather } from '@/server/gather';

/** Reads that end when they are told to. */
function held() {
  const reads: { keys: readonly number[]; answer: () => void; fail: (error: Error) => void }[] = [];
  const look = gather<number, number>(
    (keys) =>
      new Promise((resolve, reject) => {
        reads.push({ keys, answer: () => resolve(keys.map((key) => key * 10)), fail: reject });
      }),
    3,
  );
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return { reads, look, turn };
}

test('a lone call is read at once; those that come meanwhile go together, at most so many', async () => {
  const { reads, look, turn } = held();
  const first = look(1);
  await turn();
  expect(reads.map(({ keys }) => keys)).toEqual([[1]]);
  const later = [2, 3, 4, 5].map(look);
  await turn();
  // What is under way began before these calls: it can't answer them.
  expect(reads).toHaveLength(1);
  reads[0]?.answer();
  expect(await first).toBe(10);
  await turn();
  expect(reads.map(({ keys }) => keys)).toEqual([[1], [2, 3, 4]]);
  reads[1]?.answer();
  await turn();
  reads[2]?.answer();
  expect(await Promise.all(later)).toEqual([20, 30, 40, 50]);
});

test('a read that fails fails the calls in it and no later one', async () => {
  const { reads, look, turn } = held();
  const failing = [look(1), look(2)];
  await turn();
  const later = look(3);
  reads[0]?.fail(new Error('away'));
  await expect(Promise.all(failing)).rejects.toThrow('away');
  await expect(failing[1]).rejects.toThrow('away');
  await turn();
  reads[1]?.answer();
  expect(await later).toBe(30);
});

test('each call may have a fate of its own', async () => {
  const look = gather<number, number>(async (keys) =>
    keys.map((key) => (key < 0 ? Promise.reject(new Error(`no ${key}`)) : key)),
  );
  const [good, bad] = await Promise.allSettled([look(1), look(-1)]);
  expect(good).toMatchObject({ status: 'fulfilled', value: 1 });
  expect(bad).toMatchObject({ status: 'rejected', reason: { message: 'no -1' } });
});
