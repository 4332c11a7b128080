import { sanitiseText } from './sanitiseText.js';

/** Text that others wrote, on one line and without control characters: a title must not move the cursor. */
export function plainLine(text: string): string {
  return sanitiseText(text).replace(/\s+/g, ' ').trim();
}
