import { plainLine as cleanLine } from '@neolith/daemon/text';

/** Between two pictures: drawn as one by some terminals, as two by others. */
const JOINED = /(?<=\p{Extended_Pictographic}\ufe0f?[\u{1f3fb}-\u{1f3ff}]?)\u200d/gu;
/** Which look a picture has, and which skin: they change how wide it is on some terminals. */
const LOOKS =
  /(?<=\p{Extended_Pictographic}|[#*0-9])[\ufe0e\ufe0f]|(?<=\p{Extended_Pictographic})[\u{1f3fb}-\u{1f3ff}]/gu;

/**
 * Text that others wrote, on one line, without control characters, and as wide on one terminal as on the next: a title
 * must neither move the cursor nor what stands beside it.
 */
export function plainLine(text: string): string {
  return cleanLine(text).replace(JOINED, '').replace(LOOKS, '');
}
