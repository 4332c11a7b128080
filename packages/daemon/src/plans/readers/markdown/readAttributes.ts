import type { PlanPosition } from '../../planProblem.js';
import { type AttributeKey, attributePattern, findAttributeKey } from './attributeKeys.js';
import type { MarkdownLine } from './markdownTree.js';
import { parseDuration } from './parseDuration.js';

export interface Attribute {
  readonly key: AttributeKey;
  readonly value: string;
  /** Of the value, or of the key where there is no value. */
  readonly at: PlanPosition;
  /** Of a part of the value. */
  place(offset: number): PlanPosition;
}

export interface AttributedLine {
  /** What is left of the line, with its marks. */
  readonly rest: string;
  readonly attributes: readonly Attribute[];
}

/** Lines beyond this are taken as they are: the patterns below look back and forth. */
const lineCharsMax = 5_000;

/** In brackets these two do without a colon. */
const wordless = /^\s*(?:depends on|blocked by)\s+/i;

/** Marks of the Obsidian plug-in "Tasks", which others write too. */
const emojiAttributes: ReadonlyMap<string, AttributeKey> = new Map([
  ['📅', 'due'],
  ['🆔', 'id'],
  ['⛔', 'after'],
]);
const emojiPriorities: ReadonlyMap<string, string> = new Map([
  ['🔺', 'critical'],
  ['⏫', 'high'],
  ['🔼', 'medium'],
  ['🔽', 'low'],
  ['⏬', 'low'],
]);

/**
 * Takes the attributes out of the line of a task or a heading:
 * - groups in brackets that start with a key (`(due: 2026-12-01, priority: high)`), also in HTML comments;
 * - from the first key that stands free to the end of the line (`… depends on: T1, T2`);
 * - `!high`, `#tag`, `P1`, `~2h`, and `(P1)`, `[2h]`; a tag inside of a sentence stays in it.
 * Code is left alone. `isWhole` lines may start with a key; titles can't, or nothing would be left of them.
 */
export function readAttributes(line: MarkdownLine, isWhole = false): AttributedLine {
  const attributes: Attribute[] = [];
  if (line.text.length > lineCharsMax) return { rest: line.text, attributes };
  let rest = line.text;
  let code = hideCode(rest);
  const keyStarts = new Set([...code.matchAll(attributePattern)].map(({ index }) => index));
  // Taken parts become spaces, so that offsets stay those of the line.
  const take = (start: number, end: number) => {
    rest = rest.slice(0, start) + ' '.repeat(end - start) + rest.slice(end);
    code = code.slice(0, start) + ' '.repeat(end - start) + code.slice(end);
  };

  for (const { index, 0: group, 1: comment, 2: bracketed } of code.matchAll(
    /<!--(.*?)-->|(?<!\])[([{]([^()[\]{}]*)[)\]}](?!\()/g,
  )) {
    const inner = comment ?? bracketed ?? '';
    const start = index + group.indexOf(inner);
    const leading = inner.length - inner.trimStart().length;
    if (keyStarts.has(start + leading)) {
      readRun(start, start + inner.length);
      take(index, index + group.length);
    } else if (bracketed !== undefined && wordless.test(bracketed)) {
      const offset = start + (wordless.exec(bracketed)?.[0].length ?? 0);
      addRunValue('after', offset, start + inner.length, offset);
      take(index, index + group.length);
    } else if (comment === undefined && readToken(inner.trim(), start)) take(index, index + group.length);
  }

  const [free] = [...code.matchAll(attributePattern)].filter(({ index }) => isWhole || index > 0);
  if (free !== undefined) {
    const end = code.trimEnd().length;
    readRun(free.index, end);
    take(free.index, end);
  }
  readTokens();
  attributes.sort((a, b) => (a.at.column ?? 0) - (b.at.column ?? 0));
  return { rest: rest.replace(/[\s,;|·•–—-]+$/, '').trim(), attributes };

  /** `key: value, key: value`; what follows a comma without a key belongs to the value before. */
  function readRun(start: number, end: number): void {
    const run = code.slice(start, end);
    const keys = [...run.matchAll(attributePattern)];
    for (const [position, match] of keys.entries()) {
      const from = start + match.index + match[0].length;
      const to = start + (keys[position + 1]?.index ?? run.length);
      const key = findAttributeKey(match[1] ?? '');
      if (key !== null) addRunValue(key, from, to, start + match.index);
    }
  }

  function addRunValue(key: AttributeKey, from: number, to: number, keyStart: number): void {
    let end = to;
    // Tags, priorities and estimates may follow the last value.
    for (;;) {
      const text = code.slice(from, end);
      const token = key === 'tags' ? null : /(?:^|\s)([#!~][^\s,;]+)[\s,;|·]*$/u.exec(text);
      // "depends on: #T1" names a task, "depends on: T1 #tools" has a tag behind it.
      if (token === null || (key === 'after' && text.slice(0, token.index).trim() === '')) break;
      if (!readToken(token[1] ?? '', from + token.index)) break;
      end = from + token.index;
    }
    const raw = rest.slice(from, end);
    const value = raw.replace(/[\s,;|·•–—(]+$/, '').trim();
    const offset = from + (raw.length - raw.trimStart().length);
    attributes.push({
      key,
      value: stripMarks(value),
      at: line.place(value === '' ? keyStart : offset),
      place: (inside) => line.place(offset + inside),
    });
  }

  /** Reads `!high`, `#tag`, `P1`, `~2h` and says whether it was one. */
  function readToken(token: string, offset: number): boolean {
    const add = (key: AttributeKey, value: string) => {
      attributes.push({ key, value, at: line.place(offset), place: () => line.place(offset) });
      return true;
    };
    if (/^!?(?:p[0-4])$/i.test(token)) return add('priority', token.replace('!', ''));
    if (/^!(?:critical|urgent|highest|high|medium|normal|low|lowest)$/i.test(token))
      return add('priority', token.slice(1));
    if (/^#(?=.*\p{L})[\p{L}\p{N}_][\p{L}\p{N}_/:.-]*$/u.test(token)) return add('tags', token.slice(1));
    if (/^~?\d/.test(token) && parseDuration(token) !== null) return add('estimate', token);
    return false;
  }

  function readTokens(): void {
    for (const [emoji, key] of emojiAttributes) {
      const found = new RegExp(`${emoji}\\uFE0F?\\s*([^\\s,;]+(?:,\\s*[^\\s,;]+)*)`, 'u').exec(code);
      if (found === null) continue;
      const offset = found.index + found[0].length - (found[1]?.length ?? 0);
      attributes.push({
        key,
        value: found[1] ?? '',
        at: line.place(offset),
        place: (inside) => line.place(offset + inside),
      });
      take(found.index, found.index + found[0].length);
    }
    for (const [emoji, value] of emojiPriorities) {
      const index = code.indexOf(emoji);
      if (index === -1) continue;
      attributes.push({ key: 'priority', value, at: line.place(index), place: () => line.place(index) });
      take(index, index + emoji.length);
    }
    // At the end they go; a priority mark goes anywhere; a tag in a sentence stays a word of it.
    for (;;) {
      const found = /(?:^|\s)(\S+)[\s,;|·•–—-]*$/u.exec(code);
      const token = found?.[1] ?? '';
      // A bare number with a unit may be part of the sentence: "wait 2h".
      if (found === null || found.index === 0 || /^\d/.test(token) || !readToken(token, found.index + 1))
        break;
      take(found.index, code.length);
    }
    for (const match of code.matchAll(/(?<=^|\s)(![a-z]+|#[^\s,;.()]+)(?=[\s,;.]|$)/giu)) {
      const token = match[1] ?? '';
      if (readToken(token, match.index) && token.startsWith('!'))
        take(match.index, match.index + token.length);
    }
    const first = /^(?:P[0-4])(?=\s+[^\s:–—-])/i.exec(code);
    if (first !== null && readToken(first[0], 0)) take(0, first[0].length);
  }
}

/** The text with code spans blanked out. */
function hideCode(text: string): string {
  return text.replace(/(`+)(?!`)(.*?)(?<!`)\1(?!`)/g, (span) => '\u00a4'.repeat(span.length));
}

function stripMarks(value: string): string {
  const inner = /^(?:\*\*|__|[*_`"'“‘])(.*?)(?:\*\*|__|[*_`"'”’])$/.exec(value)?.[1];
  return (inner !== undefined && !/[*_`"]/.test(inner) ? inner : value).trim();
}
