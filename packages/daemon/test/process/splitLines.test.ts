import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createLineSplitter, type OutputPiece } from '../../src/process/splitLines.js';

function split(chunks: readonly Buffer[], limitBytes: number): OutputPiece[] {
  const splitter = createLineSplitter(limitBytes);
  return [...chunks.flatMap((chunk) => splitter.push(chunk)), ...splitter.end()];
}

function linesOf(pieces: readonly OutputPiece[]): string[] {
  return pieces.flatMap((piece) =>
    piece.kind === 'lines' ? piece.text.split('\n') : [piece.head + piece.tail],
  );
}

function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index] ?? 0, edge));
}

it('gives the same lines however the bytes were cut into chunks', () => {
  const text = fc
    .array(fc.constantFrom('a', 'ä', '€', '𝒳', ' ', '\n', '\r', '\r\n', 'word'), { maxLength: 60 })
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, fc.array(fc.nat(300), { maxLength: 20 }), (all, cuts) => {
      const expected = all.split(/\r\n|\n|\r/);
      if (expected.at(-1) === '') expected.pop();
      expect(linesOf(split(cutAt(Buffer.from(all), cuts), 1_000))).toEqual(expected);
    }),
    { numRuns: 500 },
  );
});

it('cuts lines over the limit, and only those, however they arrive', () => {
  const lines = fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(lines, fc.array(fc.nat(3_000), { maxLength: 30 }), (lengths, cuts) => {
      const limit = 50;
      const all = lengths.map((length, index) => String.fromCharCode(97 + index).repeat(length));
      const pieces = split(cutAt(Buffer.from(`${all.join('\n')}\n`), cuts), limit);
      const expected = all.map((line) => (line.length <= limit ? line : line.slice(0, 25) + line.slice(-25)));
      expect(linesOf(pieces)).toEqual(expected);
      const dropped = pieces.reduce((sum, piece) => sum + (piece.kind === 'cut' ? piece.droppedBytes : 0), 0);
      expect(dropped).toBe(
        all.reduce((sum, line) => sum + Math.max(0, line.length > limit ? line.length - 50 : 0), 0),
      );
    }),
    { numRuns: 500 },
  );
});

it('hands out the steps of a progress bar as lines of their own', () => {
  const splitter = createLineSplitter(100);
  expect(splitter.push(Buffer.from('10%\r20%\r'))).toEqual([{ kind: 'lines', text: '10%\n20%' }]);
  expect(splitter.push(Buffer.from('\ndone\r'))).toEqual([{ kind: 'lines', text: 'done' }]);
});
