import { randomBytes } from 'node:crypto';

const DELIMITER_BYTES = 12;
const USABLE = /^[A-Za-z0-9-]{6,100}$/;

/** A delimiter that nobody who wrote a task could have known. */
export function drawDelimiter(): string {
  return randomBytes(DELIMITER_BYTES).toString('hex');
}

/**
 * The delimiter to use around `texts`: the one that was drawn, or, should it occur in one of them, that one with
 * the smallest number behind it that occurs in none. Throws when it is too short, or could be torn apart by
 * whatever prints it.
 */
export function chooseDelimiter(drawn: string, texts: readonly string[]): string {
  if (!USABLE.test(drawn)) {
    throw new Error(
      `A prompt can't be fenced with ${JSON.stringify(drawn)}: a delimiter has 6 to 100 letters, digits and "-". Use drawDelimiter().`,
    );
  }
  const occurs = (delimiter: string) => texts.some((text) => text.includes(delimiter));
  if (!occurs(drawn)) return drawn;
  // Ends: of numbers with this beginning finite texts can hold only so many.
  for (let number = 2; ; number += 1) {
    const longer = `${drawn}-${number}`;
    if (!occurs(longer)) return longer;
  }
}
