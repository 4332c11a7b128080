import { createBoundedText } from '../process/boundedText.js';

/**
 * A text in at most `bytesMax` bytes of UTF-8, and a mark: the first half and the last half of a longer one are
 * kept, with `[… N bytes dropped …]` between, so that who reads it knows that something is missing.
 */
export function shortenText(text: string, bytesMax: number): string {
  const bounded = createBoundedText(bytesMax);
  bounded.append(text);
  return bounded.read().text;
}

/** Spends a budget on texts one after another; what comes later gets what is left. */
export function createBudget(bytesMax: number): { spend(text: string, bytesMax: number): string | null } {
  let left = bytesMax;
  return {
    /** The text, shortened to what it may take; null when too little is left to say anything. */
    spend(text, ownMax) {
      const limit = Math.min(ownMax, left);
      if (limit < Math.min(Buffer.byteLength(text), WORTH_BYTES)) return null;
      left -= Math.min(Buffer.byteLength(text), limit);
      return shortenText(text, limit);
    },
  };
}

/** Less than this of a longer text says nothing. */
const WORTH_BYTES = 200;
