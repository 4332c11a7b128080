import { NeolithError } from '@neolith/contracts';

/** Deeper than any input of ours, and far from where the checks that walk a value recursively would overflow. */
const MAX_DEPTH = 64;

interface Level {
  /** Keys seen so far; null in an array. */
  keys: Set<string> | null;
  /** The key, or the index, of the value that is being read. */
  at: string | number;
  /** In an object: the next string is a key. */
  expectsKey: boolean;
}

function refuse(problem: string, levels: readonly Level[], key?: string): never {
  const path = [...levels.map((level) => level.at), ...(key === undefined ? [] : [key])]
    .join('.')
    .slice(0, 200);
  throw new NeolithError('INVALID_JSON', `The body is refused: ${problem}.`, {
    details: { errors: [{ path, message: problem }] },
  });
}

/** Where the string that begins at `start` ends: the index of its closing quote, or the end of an unclosed one. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}

function decodeKey(raw: string): string {
  if (!raw.includes('\\')) return raw;
  try {
    return JSON.parse(`"${raw}"`) as string;
  } catch {
    // Not JSON after all: the parser, which comes next, says so with the place.
    return raw;
  }
}

/**
 * Refuses, before it is parsed, JSON that parsers accept and that hides something: an object that names a key
 * twice (readers disagree which one counts), a key `__proto__`, and nesting without end. One pass, no value built.
 * Text that is no JSON passes: that is the parser's to say.
 *
 * @throws NeolithError `INVALID_JSON`, naming the path
 */
export function scanJson(text: string): void {
  const levels: Level[] = [];
  for (let index = 0; index < text.length; index += 1) {
    const level = levels[levels.length - 1];
    switch (text.charCodeAt(index)) {
      case 0x22: {
        const end = endOfString(text, index);
        if (level?.keys !== null && level?.expectsKey === true) {
          const key = decodeKey(text.slice(index + 1, end));
          if (key === '__proto__') refuse('the key "__proto__" is not allowed', levels.slice(0, -1), key);
          if (level.keys.has(key)) refuse('a key is given twice', levels.slice(0, -1), key);
          level.keys.add(key);
          level.at = key;
          level.expectsKey = false;
        }
        index = end;
        break;
      }
      case 0x7b:
        levels.push({ keys: new Set(), at: '', expectsKey: true });
        if (levels.length > MAX_DEPTH) refuse(`it is nested deeper than ${MAX_DEPTH} levels`, levels);
        break;
      case 0x5b:
        levels.push({ keys: null, at: 0, expectsKey: false });
        if (levels.length > MAX_DEPTH) refuse(`it is nested deeper than ${MAX_DEPTH} levels`, levels);
        break;
      case 0x7d:
      case 0x5d:
        levels.pop();
        break;
      case 0x2c:
        if (level === undefined) break;
        if (level.keys === null) level.at = (level.at as number) + 1;
        else level.expectsKey = true;
        break;
    }
  }
}
