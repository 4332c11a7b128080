import { plainLine } from '../output/terminal.js';

const CHARACTERS_MAX = 400;

/** The first paragraph of an error on one line: of a conflict its files, and not the lines of both sides. Pure. */
export function summariseError(error: string): string {
  const [first = ''] = error.trim().split(/\n\s*\n/);
  const line = plainLine(first.replace(/:?\n- /g, (mark) => (mark.startsWith(':') ? ': ' : ', ')));
  return line.length <= CHARACTERS_MAX ? line : `${line.slice(0, CHARACTERS_MAX).toWellFormed()}…`;
}
