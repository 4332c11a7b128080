import type { AttemptUsage, UsageSum } from '@neolith/contracts';
import { formatCount, plural } from './formatNumber';

const UNITS = [
  [1e12, 'T'],
  [1e9, 'B'],
  [1e6, 'M'],
  [1e3, 'k'],
] as const;

const UNKNOWN = '–';

/** `987`, `41.2k`, `1.3M`: with one decimal from a thousand on. */
export function formatShortCount(value: number): string {
  for (const [size, name] of UNITS) {
    // 999,950 reads 1.0M, not 1000.0k.
    if (value >= size * (1 - 0.05 / 1_000)) return `${(value / size).toFixed(1)}${name}`;
  }
  return String(value);
}

/** US dollars: `$0.37`, `$1,234.50`; `<$0.01` for less than half a cent that is not nothing; a dash where it is unknown. */
export function formatCost(usd: number | null | undefined): string {
  if (usd === null || usd === undefined) return UNKNOWN;
  if (usd > 0 && usd < 0.005) return '<$0.01';
  const [whole = '0', cents = '00'] = usd.toFixed(2).split('.');
  return `$${formatCount(Number(whole))}.${cents}`;
}

/** What an attempt has used up, in a line: `41.2k tokens · $0.37 · large`; null where it told none of it. */
export function tellUsage({ inputTokens, outputTokens, costUsd, model }: AttemptUsage): string | null {
  const told: string[] = [];
  if (inputTokens !== undefined && outputTokens !== undefined) {
    told.push(`${formatShortCount(inputTokens + outputTokens)} tokens`);
  } else if (inputTokens !== undefined) told.push(`${formatShortCount(inputTokens)} tokens in`);
  else if (outputTokens !== undefined) told.push(`${formatShortCount(outputTokens)} tokens out`);
  if (costUsd !== undefined) told.push(formatCost(costUsd));
  if (model !== undefined && model !== '') told.push(model);
  return told.length === 0 ? null : told.join(' · ');
}

/** Of what the tokens were, exactly: `40,000 in, 1,200 out, 300,000 from cache, 5 turns`; empty where nothing is known. */
export function tellTokens(usage: AttemptUsage): string {
  const told: [number | undefined, string][] = [
    [usage.inputTokens, 'in'],
    [usage.outputTokens, 'out'],
    [usage.cacheReadTokens, 'from cache'],
    [usage.cacheWriteTokens, 'to cache'],
  ];
  return [
    ...told.flatMap(([count, what]) => (count === undefined ? [] : [`${formatCount(count)} ${what}`])),
    ...(usage.turns === undefined ? [] : [plural(usage.turns, 'turn')]),
  ].join(', ');
}

/** What several attempts have used up, for two figures with a note each. */
export interface UsageTotals {
  tokens: string;
  /** `40.0k in, 1.2k out`, and what came from a cache. */
  tokensNote: string;
  cost: string;
  costNote: string;
}

/**
 * Totals of what attempts told. A sum can't tell 0 from untold, and no agent works without tokens: a sum of 0 is
 * unknown.
 */
export function tellTotals(usage: UsageSum | null): UsageTotals {
  if (usage === null) {
    return { tokens: UNKNOWN, tokensNote: '', cost: UNKNOWN, costNote: 'no attempt told it' };
  }
  const tokens = usage.inputTokens + usage.outputTokens;
  const parts: [number, string][] = [
    [usage.inputTokens, 'in'],
    [usage.outputTokens, 'out'],
    [usage.cacheReadTokens, 'from cache'],
    [usage.cacheWriteTokens, 'to cache'],
  ];
  return {
    tokens: tokens === 0 ? UNKNOWN : formatShortCount(tokens),
    tokensNote: parts
      .flatMap(([count, what]) => (count === 0 ? [] : [`${formatShortCount(count)} ${what}`]))
      .join(', '),
    cost: formatCost(usage.costUsd),
    costNote: `told by ${plural(usage.attempts, 'attempt')}`,
  };
}
