import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createBoundedText } from '../../src/process/boundedText.js';
import { cleanPiece } from '../../src/process/cleanOutput.js';
import { createRedactor, redactSecrets } from '../../src/process/redactSecrets.js';
import { sanitiseText } from '../../src/process/sanitiseText.js';
import { createLineSplitter } from '../../src/process/splitLines.js';

it('leaves no control character and no lone surrogate, whatever comes in', () => {
  const nasty = fc.constantFrom(
    '\x1b',
    '[',
    '31m',
    ']',
    '\x07',
    '\0',
    '\ud800',
    '\udc00',
    'a',
    '\n',
    '\t',
    '\x9b',
    '\x9d',
    '\\',
  );
  fc.assert(
    fc.property(fc.array(nasty, { maxLength: 40 }), (parts) => {
      const text = sanitiseText(parts.join(''));
      const codes = [...text].map((character) => character.codePointAt(0) ?? 0);
      expect(codes.filter((c) => (c < 32 && c !== 9 && c !== 10) || (c >= 127 && c < 160))).toEqual([]);
      expect(codes.filter((c) => c >= 0xd800 && c <= 0xdfff)).toEqual([]);
    }),
    { numRuns: 1_000 },
  );
});

it.each([
  ['\x1b[1;31mred\x1b[0m', 'red'],
  ['\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\', 'link'],
  ['\x1b[2J\x1b[Hcleared', 'cleared'],
  ['\x1b]0;no end\nnext line', '\nnext line'],
  ['\x1b\x1b[31m[2Jx', '[2Jx'],
  ['<script>alert("ä€𝒳")</script>\t.', '<script>alert("ä€𝒳")</script>\t.'],
  ['a\ud83d', 'a\ufffd'],
])('sanitises %j', (dirty, clean) => {
  expect(sanitiseText(dirty)).toBe(clean);
});

it.each([
  ['the value hunter2secret here', 'the value [redacted] here'],
  ['in JSON {"p":"q\\"uo\\\\te-secret"}', 'in JSON {"p":"[redacted]"}'],
  [
    'python {"p":"p\\u00e4ss/wort"} php {"p":"päss\\/wort"}',
    'python {"p":"[redacted]"} php {"p":"[redacted]"}',
  ],
  [`encoded ${encodeURIComponent('a b&c=secret')}`, 'encoded [redacted]'],
  [`base64 ${Buffer.from('hunter2secret').toString('base64')}`, 'base64 [redacted]=='],
  ['Authorization: Bearer abcdef123456.x-y_z', 'Authorization: Bearer [redacted]'],
  ['authorization: Basic dXNlcjpwYXNz', 'authorization: Basic [redacted]'],
  ['neo_0192f0aa77aa_c2VjcmV0c2VjcmV0', '[redacted]'],
  ['git clone https://joe:pa55word@git.test/x.git', 'git clone https://joe:[redacted]@git.test/x.git'],
  ['postgresql://u:p@ss@db:5432/x', 'postgresql://u:[redacted]@db:5432/x'],
  ['see http://localhost:3000/a and mail a@b.test', 'see http://localhost:3000/a and mail a@b.test'],
  ['{"url":"http://localhost:3000","mail":"a@b.test"}', '{"url":"http://localhost:3000","mail":"a@b.test"}'],
  ['{"url":"http://host","mail":"x:y@b.test"}', '{"url":"http://host","mail":"x:y@b.test"}'],
  ['{"url":"http://u:p@host"}', '{"url":"http://u:[redacted]@host"}'],
  ['http://u:p"q@host', 'http://u:[redacted]@host'],
  ['ghp_0123456789abcdefghij', '[redacted]'],
  ['a bearer of news', 'a bearer of news'],
])('redacts %j', (text, expected) => {
  const secrets = ['hunter2secret', 'q"uo\\te-secret', 'a b&c=secret', 'päss/wort', 'dev', ''];
  expect(redactSecrets(text, secrets)).toBe(expected);
});

it('replaces the longer of two secrets that begin alike, and a secret of several lines line by line', () => {
  expect(redactSecrets('abcdef-long abcdef', ['abcdef', 'abcdef-long'])).toBe('[redacted] [redacted]');
  const key = '-----BEGIN KEY-----\nMIIEabcdefgh\nijklmnopqrst\n-----END KEY-----';
  expect(redactSecrets('line MIIEabcdefgh\nline ijklmnopqrst', [key])).toBe(
    'line [redacted]\nline [redacted]',
  );
});

it('finds a secret that a colour or a NUL was put into', () => {
  const piece = { kind: 'lines', text: 'hunt\x1b[31mer2\0secret' } as const;
  expect(cleanPiece(piece, createRedactor(['hunter2secret'])).text).toBe('[redacted]');
});

it('shows no half of a secret where a long line was cut', () => {
  const secret = 'correct-horse-battery-staple';
  const token = 'neo_aaaabbbbccccddddeeeeffff';
  for (let shift = 0; shift < 80; shift += 1) {
    for (const planted of [secret, token]) {
      const splitter = createLineSplitter(1_000);
      const line = `${'.'.repeat(480 + shift)} ${planted} ${' '.repeat(3_000)} ${planted} ${'.'.repeat(480 + shift)}\n`;
      const text = splitter
        .push(Buffer.from(line))
        .map((piece) => cleanPiece(piece, createRedactor([secret])).text)
        .join('');
      expect(text).toContain('bytes dropped');
      expect(text).not.toMatch(/corr|orse|batt|tapl|neo_|aaaa|cccc|ffff/);
    }
  }
});

it('redacts a line of a megabyte in no time, whatever it looks like', () => {
  const redactor = createRedactor(['hunter2secret']);
  const startedMs = performance.now();
  for (const part of ['a', '://', '://a:', 'Bearer ', 'neo_', 'eyJ.', 'eyJaaaaaaaa.', '\x1b]', '\x1b[0']) {
    redactor.redact(sanitiseText(part.repeat(Math.floor(1_000_000 / part.length))));
  }
  expect(performance.now() - startedMs).toBeLessThan(5_000);
});

it('keeps head and tail within the limit, whole characters only, and counts what is gone', () => {
  const parts = fc.array(fc.string({ unit: 'grapheme', maxLength: 30 }), { maxLength: 40 });
  fc.assert(
    fc.property(parts, fc.integer({ min: 0, max: 200 }), (texts, limit) => {
      const bounded = createBoundedText(limit);
      for (const text of texts) bounded.append(text);
      const all = Buffer.from(texts.join('')).toString();
      const { text, totalBytes, droppedBytes } = bounded.read();
      expect(totalBytes).toBe(Buffer.byteLength(all));
      if (totalBytes <= limit - 8) expect(text).toBe(all);
      if (droppedBytes === 0) {
        expect(text).toBe(all);
        return;
      }
      const [head = '', tail = ''] = text.split(`\n[… ${droppedBytes} bytes dropped …]\n`);
      expect(all.startsWith(head) && all.endsWith(tail)).toBe(true);
      expect(Buffer.byteLength(head) + Buffer.byteLength(tail) + droppedBytes).toBe(totalBytes);
      expect(Buffer.byteLength(head) + Buffer.byteLength(tail)).toBeLessThanOrEqual(limit);
    }),
    { numRuns: 500 },
  );
});
