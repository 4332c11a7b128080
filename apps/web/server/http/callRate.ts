import { NeolithError } from '@neolith/contracts';
import { type Allowance, type Bucket, spend } from './tokenBucket';

/** A daemon makes some tens of calls a second, a dashboard fewer; a loop without a pause makes thousands. */
const DEFAULT: Allowance = { perSecond: 1_000, burst: 5_000 };
/** Far more callers than are busy at once. */
const BUCKETS_KEPT = 10_000;

/** Kept on globalThis: Next bundles instrumentation and routes apart, so that a module's variable exists twice. */
const KEY = Symbol.for('neolith.web.callRate');
const holder = globalThis as { [KEY]?: { allowance: Allowance | null; buckets: Map<string, Bucket> } };

/**
 * What the environment says: `NEOLITH_RATE_LIMIT` as calls a second, or calls a second and at once (`1000/5000`), or
 * `off`. Default `1000/5000`; the burst, where it isn’t said, is five times the rate.
 *
 * @throws Error that names the variable, where it says something else
 */
export function readAllowance(env: NodeJS.ProcessEnv): Allowance | null {
  const written = env.NEOLITH_RATE_LIMIT?.trim() ?? '';
  if (written === '') return DEFAULT;
  if (written === 'off') return null;
  const [, rate, burst] = /^(\d{1,7}(?:\.\d{1,3})?)(?:\/(\d{1,8}))?$/.exec(written) ?? [];
  const perSecond = Number(rate);
  const allowance = {
    perSecond,
    burst: burst === undefined ? Math.max(1, Math.ceil(perSecond * 5)) : Number(burst),
  };
  if (perSecond > 0 && allowance.burst >= 1) return allowance;
  throw new Error(
    `NEOLITH_RATE_LIMIT is ${JSON.stringify(written)}; write calls a second (1000), calls a second and at once (1000/5000), or off`,
  );
}

/**
 * Counts a call of a token, and refuses it where the token has made too many: one caller that has run wild must leave
 * the others room. Counted in this process alone, so that counting costs nothing; behind n replicas a token has n times as much.
 *
 * @throws NeolithError `RATE_LIMITED`
 */
export function spendCall(tokenId: string, now: number = performance.now()): void {
  holder[KEY] ??= { allowance: readAllowance(process.env), buckets: new Map() };
  const { allowance, buckets } = holder[KEY];
  if (allowance === null) return;
  const spending = spend(allowance, buckets.get(tokenId), now);
  // The one that was used longest ago goes first: it has filled up again, as a new one is full.
  buckets.delete(tokenId);
  if (buckets.size >= BUCKETS_KEPT) buckets.delete(buckets.keys().next().value as string);
  buckets.set(tokenId, spending.bucket);
  if (spending.allowed) return;
  const retryAfterSeconds = Math.max(1, Math.ceil(spending.afterSeconds));
  throw new NeolithError(
    'RATE_LIMITED',
    `This token makes more than ${allowance.perSecond} calls a second; wait, or carry several tasks in one call.`,
    { details: { retryAfterSeconds } },
  );
}
