export interface Redactor {
  redact(text: string): string;
  /** Characters of the longest form of a known secret; 0 when none is known. */
  readonly longestLength: number;
}

export const REDACTED = '[redacted]';

/** Shorter values are not replaced: they are words (`dev`, `true`), and every text would be full of holes. */
export const SECRET_LENGTH_MIN = 6;

/**
 * Shapes of tokens that we can't know beforehand. All quantifiers are bounded: this runs over whatever an
 * agent prints, and a pattern that looks back and forth over a long line would hold up the event loop.
 */
const TOKEN_SHAPES: readonly { readonly hint: RegExp; readonly shape: RegExp; readonly by: string }[] = [
  { hint: /bearer/i, shape: /\b(bearer)[ \t]{1,8}[\w.~+/-]{8,4096}={0,2}/gi, by: `$1 ${REDACTED}` },
  {
    hint: /basic/i,
    shape: /\b(authorization:[ \t]{0,8}basic)[ \t]{1,8}[\w+/-]{8,4096}={0,2}/gi,
    by: `$1 ${REDACTED}`,
  },
  { hint: /neo_/, shape: /\bneo_[\w.-]{8,512}/g, by: REDACTED },
  {
    hint: /:\/\//,
    // Not past the end of a text in JSON: what reaches into the next one would make the line unreadable.
    shape: /(?<=:\/\/)((?:[^\s/:@"]|"(?![,:}\]])){0,256}):(?:[^\s/"]|"(?![,:}\]])){1,1024}@/g,
    by: `$1:${REDACTED}@`,
  },
  {
    hint: /gh[opusr]_|github_pat_/,
    shape: /\b(?:gh[opusr]_\w{16,255}|github_pat_\w{16,255})/g,
    by: REDACTED,
  },
  { hint: /glpat-|xox|sk-/, shape: /\b(?:glpat-|xox[abeoprs]-|sk-)[\w-]{16,255}/g, by: REDACTED },
  { hint: /AKIA|ASIA/, shape: /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g, by: REDACTED },
  { hint: /eyJ/, shape: /\beyJ[\w-]{8,4096}\.[\w-]{8,4096}\.[\w-]{8,4096}/g, by: REDACTED },
];

/**
 * Prepares a function that replaces each known secret, also as it looks inside JSON, a URL or base64, and
 * everything shaped like a token, by `[redacted]`. A secret of several lines is replaced line by line, since
 * output is handled by the line. Secrets shorter than six characters are not replaced.
 */
export function createRedactor(secrets: readonly string[]): Redactor {
  // Longest first: a secret that begins with another one is replaced whole.
  const forms = [...collectForms(secrets)].sort((a, b) => b.length - a.length);
  const known = forms.length === 0 ? null : new RegExp(forms.map(escapeForPattern).join('|'), 'g');
  return {
    longestLength: forms[0]?.length ?? 0,
    redact(text) {
      let result = known === null ? text : text.replace(known, REDACTED);
      for (const { hint, shape, by } of TOKEN_SHAPES) {
        if (hint.test(result)) result = result.replace(shape, by);
      }
      return result;
    },
  };
}

/** One text, once; where there are many lines, prepare `createRedactor`. */
export function redactSecrets(text: string, secrets: readonly string[]): string {
  return createRedactor(secrets).redact(text);
}

function collectForms(secrets: readonly string[]): Set<string> {
  const forms = new Set<string>();
  for (const secret of secrets) {
    for (const part of [secret, ...secret.split(/\r?\n/)]) {
      if (part.trim().length < SECRET_LENGTH_MIN) continue;
      for (const form of formsOf(part)) forms.add(form);
    }
  }
  return forms;
}

function formsOf(secret: string): string[] {
  const inJson = JSON.stringify(secret).slice(1, -1);
  return [
    secret,
    inJson,
    // As other languages write JSON: slashes escaped, or everything beyond ASCII.
    inJson.replaceAll('/', '\\/'),
    inJson.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
    encodeURIComponent(Buffer.from(secret).toString()),
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
  ];
}

function escapeForPattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
