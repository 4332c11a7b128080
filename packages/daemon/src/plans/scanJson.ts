/** The first place where a text stops being JSON, or what is wrong with JSON that is otherwise valid. */
export interface JsonFault {
  readonly kind: 'syntax' | 'depth';
  readonly offset: number;
  readonly message: string;
}

export interface JsonDuplicateKey {
  readonly key: string;
  readonly offset: number;
}

export interface JsonScan {
  readonly fault: JsonFault | null;
  readonly duplicateKeys: readonly JsonDuplicateKey[];
}

export const nestingMax = 100;

const literalPattern = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// Control characters are what this pattern is about: JSON forbids them inside texts.
// biome-ignore lint/suspicious/noControlCharactersInRegex: see the line above
const stringStopPattern = /["\\\u0000-\u001f]/g;
const escapePattern = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const spacePattern = /[ \t\n\r]*/y;

/**
 * Checks a JSON text for what `JSON.parse` doesn't tell: the place of an error, keys given twice, and depth.
 * One pass, no recursion.
 */
export function scanJson(text: string): JsonScan {
  const duplicateKeys: JsonDuplicateKey[] = [];
  // One entry per open container: the keys seen so far, or null for an array.
  const open: (Set<string> | null)[] = [];
  let at = skipSpace(text, 0);
  let expectsValue = true;

  const stop = (offset: number, message: string, kind: JsonFault['kind'] = 'syntax'): JsonScan => ({
    fault: { kind, offset, message },
    duplicateKeys,
  });

  for (;;) {
    if (expectsValue) {
      const char = text[at];
      if (char === '{' || char === '[') {
        if (open.length === nestingMax)
          return stop(at, `values are nested more than ${nestingMax} deep`, 'depth');
        open.push(char === '{' ? new Set() : null);
        at = skipSpace(text, at + 1);
        const closes = text[at] === (char === '{' ? '}' : ']');
        if (!closes) {
          if (char === '{') {
            const next = readKey(at);
            if (typeof next !== 'number') return next;
            at = next;
          }
          continue;
        }
        open.pop();
        at += 1;
      } else {
        const end = char === '"' ? matchString(text, at) : match(literalPattern, text, at);
        if (end === -1) return stop(at, describeUnexpected(text, at, 'a value'));
        at = end;
      }
      expectsValue = false;
    }
    at = skipSpace(text, at);
    if (open.length === 0) {
      return at === text.length
        ? { fault: null, duplicateKeys }
        : stop(at, describeUnexpected(text, at, 'the end'));
    }
    const keys = open[open.length - 1];
    const char = text[at];
    if (char === ',') {
      at = skipSpace(text, at + 1);
      if (keys) {
        const next = readKey(at);
        if (typeof next !== 'number') return next;
        at = next;
      }
      expectsValue = true;
    } else if (char === (keys ? '}' : ']')) {
      open.pop();
      at += 1;
    } else {
      return stop(at, describeUnexpected(text, at, keys ? '"," or "}"' : '"," or "]"'));
    }
  }

  /** Reads `"key" :` and returns where the value starts. */
  function readKey(start: number): number | JsonScan {
    const end = matchString(text, start);
    if (end === -1) return stop(start, describeUnexpected(text, start, 'a key in double quotes'));
    const raw = text.slice(start + 1, end - 1);
    const key = raw.includes('\\') ? String(JSON.parse(`"${raw}"`)) : raw;
    const keys = open[open.length - 1];
    if (keys?.has(key)) duplicateKeys.push({ key, offset: start });
    keys?.add(key);
    const colon = skipSpace(text, end);
    if (text[colon] !== ':') return stop(colon, describeUnexpected(text, colon, '":"'));
    return skipSpace(text, colon + 1);
  }
}

function match(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : -1;
}

/**
 * End of the text in quotes that starts at `at`, or -1. Goes from one special character to the next: a single
 * pattern for the whole text would exhaust the stack of the pattern engine on texts of some megabytes.
 */
function matchString(text: string, at: number): number {
  if (text[at] !== '"') return -1;
  stringStopPattern.lastIndex = at + 1;
  for (let stop = stringStopPattern.exec(text); stop !== null; stop = stringStopPattern.exec(text)) {
    if (stop[0] === '"') return stop.index + 1;
    const escapeEnd = match(escapePattern, text, stop.index);
    if (escapeEnd === -1) return -1;
    stringStopPattern.lastIndex = escapeEnd;
  }
  return -1;
}

function skipSpace(text: string, at: number): number {
  spacePattern.lastIndex = at;
  spacePattern.test(text);
  return spacePattern.lastIndex;
}

function describeUnexpected(text: string, at: number, expected: string): string {
  const codePoint = text.codePointAt(at);
  if (codePoint === undefined) return `the text ends where ${expected} should be`;
  if (codePoint === 0x22)
    return `${expected} should be here, but a text starts that is not allowed here or never ends`;
  return `${expected} should be here, not ${JSON.stringify(String.fromCodePoint(codePoint))}`;
}
