import { expect, test } from 'vitest';
import { completionSchema, endpoints } from '../src/index.js';

const TWO_MB = 2 * 1024 * 1024;
const problemOf = (output: unknown) =>
  completionSchema.safeParse({ status: 'completed', output }).error?.issues[0]?.message;

test('the output of a task may have 2 MB of JSON, counted in bytes, and no more', () => {
  expect(problemOf('x'.repeat(TWO_MB - 2))).toBeUndefined();
  expect(problemOf('x'.repeat(TWO_MB - 1))).toContain('at most 2 MB');
  expect(problemOf('€'.repeat(TWO_MB / 3 + 1))).toContain('at most 2 MB');
  expect(problemOf({ many: Array.from({ length: 300_000 }, () => 'sevens') })).toContain('at most 2 MB');
});

test('an output that can not be stored is refused, one that is missing is not', () => {
  expect(problemOf('a\0b')).toContain('NUL');
  expect(problemOf(undefined)).toBeUndefined();
  const merged = endpoints.completeMerge.body.safeParse({ output: 'x'.repeat(TWO_MB) });
  expect(merged.success).toBe(false);
});
