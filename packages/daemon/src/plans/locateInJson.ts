import type { PlanPath } from './planReader.js';

/**
 * Finds where a part of a valid JSON text stands: the offset of the key for a member of an object, of the value
 * for an element of an array. Where the path leaves what is there, the deepest part that exists is given.
 *
 * `from` is the offset of the value that the path starts in, so that asking for parts of many elements of one
 * long array doesn't scan the array each time.
 */
export function locateInJson(text: string, path: PlanPath, from = skipSpace(text, 0)): number {
  let value = from;
  let found = from;
  for (const step of path) {
    const next = typeof step === 'number' ? findElement(text, value, step) : findMember(text, value, step);
    if (next === null) break;
    found = next.found;
    value = next.value;
  }
  return found;
}

/** Offsets of all elements of the array at `path`, which starts in the value at `from`; empty when there is no array. */
export function listJsonElements(text: string, path: PlanPath, from = skipSpace(text, 0)): number[] {
  let value = from;
  for (const step of path) {
    const next = typeof step === 'number' ? findElement(text, value, step) : findMember(text, value, step);
    if (next === null) return [];
    value = next.value;
  }
  const offsets: number[] = [];
  if (text[value] !== '[') return offsets;
  let at = skipSpace(text, value + 1);
  while (at < text.length && text[at] !== ']') {
    offsets.push(at);
    at = skipSeparator(text, skipValue(text, at));
  }
  return offsets;
}

interface Found {
  readonly found: number;
  readonly value: number;
}

function findElement(text: string, container: number, index: number): Found | null {
  if (text[container] !== '[') return null;
  let at = skipSpace(text, container + 1);
  for (let i = 0; at < text.length && text[at] !== ']'; i += 1) {
    if (i === index) return { found: at, value: at };
    at = skipSeparator(text, skipValue(text, at));
  }
  return null;
}

function findMember(text: string, container: number, key: string): Found | null {
  if (text[container] !== '{') return null;
  // The last of two equal keys is the one whose value counts.
  let last: Found | null = null;
  let at = skipSpace(text, container + 1);
  while (at < text.length && text[at] !== '}') {
    const keyEnd = skipValue(text, at);
    const value = skipSpace(text, skipSpace(text, keyEnd) + 1);
    if (JSON.parse(text.slice(at, keyEnd)) === key) last = { found: at, value };
    at = skipSeparator(text, skipValue(text, value));
  }
  return last;
}

/** Where the value that starts at `at` ends. */
function skipValue(text: string, at: number): number {
  let depth = 0;
  let i = at;
  do {
    const char = text[i];
    if (char === '"') {
      i = skipString(text, i);
      continue;
    }
    if (char === '{' || char === '[') depth += 1;
    else if (char === '}' || char === ']') depth -= 1;
    else if (depth === 0) return skipLiteral(text, i);
    i += 1;
  } while (depth > 0 && i < text.length);
  return i;
}

function skipString(text: string, at: number): number {
  let end = text.indexOf('"', at + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end + 1;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}

function skipLiteral(text: string, at: number): number {
  let end = at;
  while (end < text.length && !',]} \t\n\r'.includes(text[end] ?? '')) end += 1;
  return end;
}

function skipSeparator(text: string, at: number): number {
  const next = skipSpace(text, at);
  return text[next] === ',' ? skipSpace(text, next + 1) : next;
}

function skipSpace(text: string, at: number): number {
  let next = at;
  while (next < text.length && ' \t\n\r'.includes(text[next] ?? '')) next += 1;
  return next;
}
