import { expect, test } from 'vitest';
import { describeUsage } from '../src/execute/describeUsage.js';

test('tells tokens and cost as far as agents do', () => {
  expect(describeUsage({})).toBe('');
  expect(describeUsage({ inputTokens: 900, outputTokens: 50 })).toBe('950 tokens');
  expect(describeUsage({ inputTokens: 40_000, outputTokens: 1_200, costUsd: 0.374 })).toBe(
    '41.2k tokens, $0.37',
  );
  expect(describeUsage({ outputTokens: 2_500_000 })).toBe('2.5M tokens');
});
