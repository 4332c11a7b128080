// PostgreSQL stores no NUL, and half a surrogate pair can't be written as UTF-8.
const unsafePattern = /\0|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;
const unsafeEverywhere = new RegExp(unsafePattern, 'g');

/** True when `text` holds a NUL or half a surrogate pair. */
export function isUnsafeText(text: string): boolean {
  return unsafePattern.test(text);
}

/** `text` with every NUL and every half of a surrogate pair replaced by U+FFFD. */
export function sanitiseText(text: string): string {
  return text.replace(unsafeEverywhere, '\uFFFD');
}
