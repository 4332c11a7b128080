/** A caller's allowance: so many calls at once, and so many a second in the long run. */
export interface Allowance {
  perSecond: number;
  burst: number;
}

/** What is left of an allowance, as of a moment. Milliseconds of a clock that nobody sets. */
export interface Bucket {
  left: number;
  at: number;
}

export type Spending =
  | { allowed: true; bucket: Bucket }
  /** One call more is allowed after so many seconds; nothing was spent. */
  | { allowed: false; bucket: Bucket; afterSeconds: number };

/** Takes one call out of a bucket, which has filled up since it was last looked at. Pure. */
export function spend({ perSecond, burst }: Allowance, bucket: Bucket | undefined, now: number): Spending {
  const before = bucket ?? { left: burst, at: now };
  const left = Math.min(burst, before.left + (Math.max(0, now - before.at) / 1_000) * perSecond);
  if (left >= 1) return { allowed: true, bucket: { left: left - 1, at: now } };
  return { allowed: false, bucket: { left, at: now }, afterSeconds: (1 - left) / perSecond };
}
