import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatId, ID_PREFIXES, type IdKind, idSchema, parseId } from '../src/index.js';

const kinds = fc.constantFrom(...(Object.keys(ID_PREFIXES) as IdKind[]));

describe('ids', () => {
  test('come back from their written form, for every kind, in capitals too', () => {
    fc.assert(
      fc.property(kinds, fc.uuid(), (kind, uuid) => {
        expect(parseId(kind, formatId(kind, uuid))).toBe(uuid);
        expect(parseId(kind, uuid)).toBe(uuid);
        expect(parseId(kind, `${ID_PREFIXES[kind]}_${uuid.toUpperCase()}`)).toBe(uuid);
      }),
    );
  });

  test('of one kind are none of another', () => {
    fc.assert(
      fc.property(kinds, kinds, fc.uuid(), (kind, other, uuid) => {
        fc.pre(kind !== other);
        expect(parseId(kind, formatId(other, uuid))).toBeNull();
      }),
    );
  });

  test('are nothing else, whatever the text', () => {
    fc.assert(
      fc.property(kinds, fc.string(), (kind, text) => {
        expect(parseId(kind, text)).toBeNull();
      }),
    );
    const uuid = '0198f1c2-0000-7000-8000-000000000000';
    for (const text of [
      '',
      'task_',
      `task_task_${uuid}`,
      `TASK_${uuid}`,
      ` ${uuid}`,
      `${uuid}\n`,
      uuid.slice(1),
      `{${uuid}}`,
    ])
      expect(parseId('task', text), text).toBeNull();
  });

  test('have prefixes of their own', () => {
    const prefixes = Object.values(ID_PREFIXES);
    expect(new Set(prefixes).size).toBe(prefixes.length);
    expect(idSchema.safeParse('').success).toBe(false);
    expect(idSchema.safeParse('x'.repeat(101)).success).toBe(false);
    expect(idSchema.parse('anything')).toBe('anything');
  });
});
