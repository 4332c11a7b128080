import { expect, test } from 'vitest';
import { readAllowance, spendCall } from '@/server/http/callRate';
import { type Bucket, spend } from '@/server/http/tokenBucket';

test('a bucket gives its burst at once, then as many as its rate, and never more than the burst', () => {
  const allowance = { perSecond: 10, burst: 3 };
  let bucket: Bucket | undefined;
  const allowedAt = (now: number): boolean => {
    const spending = spend(allowance, bucket, now);
    bucket = spending.bucket;
    return spending.allowed;
  };
  expect([0, 0, 0, 0].map(allowedAt)).toEqual([true, true, true, false]);
  expect([99, 100, 101, 199, 200].map(allowedAt)).toEqual([false, true, false, false, true]);
  expect([100_000, 100_000, 100_000, 100_000].map(allowedAt)).toEqual([true, true, true, false]);
});

test('a refusal says when the next call is allowed, and waiting so long is enough', () => {
  const allowance = { perSecond: 0.5, burst: 1 };
  const first = spend(allowance, undefined, 0);
  const refused = spend(allowance, first.bucket, 500);
  if (refused.allowed) throw new Error('It was allowed');
  expect(refused.afterSeconds).toBeCloseTo(1.5);
  expect(spend(allowance, refused.bucket, 500 + refused.afterSeconds * 1_000).allowed).toBe(true);
});

test('a clock that stands still or goes back gives nothing', () => {
  const allowance = { perSecond: 1_000, burst: 1 };
  const first = spend(allowance, undefined, 1_000);
  expect(spend(allowance, first.bucket, 0).allowed).toBe(false);
});

test('the environment says how many, or that there is no limit', () => {
  const of = (NEOLITH_RATE_LIMIT?: string) =>
    readAllowance({ NODE_ENV: 'test', ...(NEOLITH_RATE_LIMIT === undefined ? {} : { NEOLITH_RATE_LIMIT }) });
  expect(of()).toEqual({ perSecond: 1_000, burst: 5_000 });
  expect(of('')).toEqual(of());
  expect(of('off')).toBeNull();
  expect(of('20')).toEqual({ perSecond: 20, burst: 100 });
  expect(of('0.5/3')).toEqual({ perSecond: 0.5, burst: 3 });
  for (const wrong of ['0', '0/5', '5/0', '-1', 'many', '1/2/3', '1e3']) {
    expect(() => of(wrong)).toThrow('NEOLITH_RATE_LIMIT');
  }
});

test('each token has its own, and a token that was not heard of for long is forgotten, not refused', () => {
  const now = performance.now();
  for (let call = 0; call < 5_000; call += 1) spendCall('wild', now);
  expect(() => spendCall('wild', now)).toThrow('more than 1000 calls a second');
  spendCall('calm', now);
  for (let token = 0; token < 10_000; token += 1) spendCall(`other ${token}`, now);
  spendCall('wild', now);
});
