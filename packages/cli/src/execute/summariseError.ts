import { plainLine } from '../output/terminal.js';

const CHARACTERS_MAX = 400;

/**
 * The first paragraph of an error on one line; of one that ends with a list no more than that: of a conflict its files,
 * not what git says of each, nor the lines of both sides. Pure.
 */
export function summariseError(error: string): string {
  const [first = ''] = error.trim().split(/\n\s*\n/);
  const [, intro, list] = /^([\s\S]*?):\n((?:- .*(?:\n|$))+)/.exec(first) ?? [];
  const text =
    intro === undefined || list === undefined
      ? first
      : `${intro}: ${list.trim().replace(/^- /, '').replaceAll('\n- ', ', ')}`;
  const line = plainLine(text);
  return line.length <= CHARACTERS_MAX ? line : `${line.slice(0, CHARACTERS_MAX).toWellFormed()}…`;
}
