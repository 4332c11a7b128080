import type { AgentUsage } from '@neolith/daemon';

const UNITS = [
  [1_000_000, 'M'],
  [1_000, 'k'],
] as const;

/** Tokens and cost as far as agents tell them, such as `41.2k tokens, $0.37`; empty for nothing. Pure. */
export function describeUsage(usage: AgentUsage): string {
  const tokens =
    usage.inputTokens === undefined && usage.outputTokens === undefined
      ? null
      : (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0);
  return [
    ...(tokens === null ? [] : [`${shortNumber(tokens)} tokens`]),
    ...(usage.costUsd === undefined ? [] : [`$${usage.costUsd.toFixed(2)}`]),
  ].join(', ');
}

function shortNumber(value: number): string {
  for (const [unit, name] of UNITS) {
    if (value >= unit) return `${(value / unit).toFixed(1)}${name}`;
  }
  return String(value);
}
