import { stripVTControlCharacters } from 'node:util';

/** East Asian wide characters, and emoji that are drawn as such without being asked to: two columns each. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{18cff}\u{1b000}-\u{1b2ff}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
/** Two of these make a flag of two columns. */
const HALF_FLAG = /\p{Regional_Indicator}/u;
const COMBINING = /\p{Mn}|\p{Me}|\p{Cf}/u;
/** Of the same class as the invisible ones, but drawn. */
const DRAWN = /[\u00ad\u0600-\u0605\u06dd\u070f\u08e2]/u;

/** How many columns of a terminal a text without line breaks takes; escapes of colour take none. Pure. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of stripVTControlCharacters(text)) columns += widthOf(character);
  return columns;
}

function widthOf(character: string): number {
  if (COMBINING.test(character) && !DRAWN.test(character)) return 0;
  if (HALF_FLAG.test(character)) return 1;
  return WIDE.test(character) ? 2 : 1;
}

/** The beginning of a text that fits into so many columns, with `…` where something is missing. Without escapes. Pure. */
export function fitLine(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let kept = '';
  let used = 0;
  for (const character of text) {
    const width = widthOf(character);
    if (used + width > columns - 1) break;
    kept += character;
    used += width;
  }
  return columns < 1 ? '' : `${kept.trimEnd()}…`;
}

/** The end of a text that fits into so many columns, after `…` where something is missing. Without escapes. Pure. */
export function fitEnd(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let kept = '';
  for (const character of [...text].reverse()) {
    if (columnsOf(kept) + widthOf(character) > columns - 1) break;
    kept = `${character}${kept}`;
  }
  return columns < 1 ? '' : `…${kept}`;
}

/** Words broken into lines of at most so many columns, each begun with `indent`; a longer word stands alone, uncut. Pure. */
export function wrapLine(text: string, columns: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && columnsOf(indent) + columnsOf(longer) > columns) {
      lines.push(`${indent}${line}`);
      line = word;
    } else line = longer;
  }
  return [...lines, `${indent}${line}`];
}

/** A text with spaces after it, up to so many columns. Pure. */
export function padLine(text: string, columns: number): string {
  return `${text}${' '.repeat(Math.max(0, columns - columnsOf(text)))}`;
}
