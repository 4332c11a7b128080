/**
 * Sizes a plan may have. Text sizes are counted as the database will count them: titles in UTF-16 units,
 * descriptions and metadata in bytes of UTF-8 (metadata as compact JSON).
 */
export const planLimits = {
  idCharsMax: 200,
  nameCharsMax: 300,
  titleCharsMax: 300,
  descriptionBytesMax: 100 * 1024,
  metadataBytesMax: 64 * 1024,
  tagCharsMax: 100,
  tagsMax: 50,
  resourcesMax: 50,
  acceptanceCriteriaMax: 100,
  acceptanceCriterionCharsMax: 2_000,
  attemptsMax: 100,
  /** One day. */
  backoffBaseSecondsMax: 86_400,
  backoffFactorMax: 10,
  /** One week. */
  backoffCapSecondsMax: 604_800,
  /** One year. */
  estimateMinutesMax: 525_600,
  /** One week. */
  timeoutMinutesMax: 10_080,
  concurrencyMax: 1_000,
  /** One year. */
  runSecondsMax: 31_536_000,
} as const;

const encoder = new TextEncoder();

/** Bytes of `text` in UTF-8; a lone surrogate counts as the three bytes of its replacement. */
export function countUtf8Bytes(text: string): number {
  return encoder.encode(text).length;
}

/** True when `text` takes at most `bytesMax` bytes of UTF-8. Short texts are not encoded to find out. */
export function fitsUtf8Bytes(text: string, bytesMax: number): boolean {
  return text.length * 3 <= bytesMax || countUtf8Bytes(text) <= bytesMax;
}
