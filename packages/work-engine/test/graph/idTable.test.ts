import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IdTable } from '../../src/domain/graph/idTable.js';

test('gives each text the number of its first coming, whatever the texts are', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 3 }), { maxLength: 300 }), (texts) => {
      const table = new IdTable();
      const known = new Map<string, number>();
      for (const text of texts) {
        expect(table.indexOf(text)).toBe(known.get(text) ?? -1);
        expect(table.add(text)).toBe(!known.has(text));
        if (!known.has(text)) known.set(text, known.size);
      }
      for (const [text, node] of known) expect(table.indexOf(text)).toBe(node);
      expect(table.ids).toEqual([...known.keys()]);
      expect(table.indexOf('not among them')).toBe(-1);
    }),
  );
});

test('knows a hundred thousand that differ in their last letters alone', () => {
  const table = new IdTable();
  const idOf = (n: number): string => `task_019a3f5c-7d21-7000-8000-${String(n).padStart(12, '0')}`;
  for (let n = 0; n < 100_000; n += 1) expect(table.add(idOf(n))).toBe(true);
  for (let n = 0; n < 100_000; n += 1) if (table.indexOf(idOf(n)) !== n) expect.fail(`${idOf(n)} is lost`);
  expect(table.indexOf(idOf(100_000))).toBe(-1);
});
