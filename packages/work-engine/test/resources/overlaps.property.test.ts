import { readResource } from '@neolith/contracts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { conflicts, findConflict } from '../../src/domain/resources/conflicts.js';
import { overlaps } from '../../src/domain/resources/overlaps.js';
import { loadUses, storeUses } from '../../src/domain/resources/storeUses.js';
import { createFixture } from '../support/engineFixture.js';

const fixture = createFixture();

const part = fc.oneof(
  { weight: 2, arbitrary: fc.constant('**') },
  { weight: 5, arbitrary: fc.stringMatching(/^[ab?*]{1,3}$/).filter((text) => !text.includes('**')) },
);
const glob = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));

/** Every path of at most four parts of at most three letters would be 70,000; what differs shows with fewer letters a part. */
function listPaths(letters: string, lettersMax: number, partsMax: number): string[] {
  const parts: string[] = [];
  let last = [''];
  for (let n = 0; n < lettersMax; n += 1) {
    last = last.flatMap((text) => [...letters].map((letter) => text + letter));
    parts.push(...last);
  }
  const paths: string[] = [];
  let longer = [[]] as string[][];
  for (let n = 0; n < partsMax; n += 1) {
    longer = longer.flatMap((path) => parts.map((one) => [...path, one]));
    paths.push(...longer.map((path) => path.join('/')));
  }
  return paths;
}

/** What a glob means, said a second time: a regular expression for one path. */
function toPattern(text: string): RegExp {
  const inner = (one: string) => one.replaceAll('?', '[^/]').replaceAll('*', '[^/]*');
  const parts = text.split('/').map((one) => (one === '**' ? '(?:[^/]+/)*' : `${inner(one)}/`));
  return new RegExp(`^${parts.join('')}$`);
}

describe('two globs overlap', () => {
  test('exactly when a path is meant by both', () => {
    // Three letters: of two patterns over a and b, one that neither names tells `?` from both of them.
    const paths = listPaths('abc', 2, 3).map((path) => `${path}/`);
    const few = fc.array(
      fc.oneof(
        { weight: 1, arbitrary: fc.constant('**') },
        { weight: 3, arbitrary: fc.stringMatching(/^[ab?*]{1,2}$/).filter((text) => !text.includes('**')) },
      ),
      { minLength: 1, maxLength: 3 },
    );
    let met = 0;
    let total = 0;
    fc.assert(
      fc.property(few, few, (one, other) => {
        // Words of up to three parts decide only for patterns that need no more: those have at most three fixed parts in all.
        const fixed = [...one, ...other].filter((text) => text !== '**').length;
        const letters = (text: string) => (text === '**' ? 0 : text.replaceAll('*', '').length);
        fc.pre(fixed <= 3 || (!one.includes('**') && !other.includes('**')));
        fc.pre(
          one.every((a) => other.every((b) => letters(a) + letters(b) <= 2 || !`${a}${b}`.includes('*'))),
        );
        const [a, b] = [one.join('/'), other.join('/')];
        const [first, second] = [toPattern(a), toPattern(b)];
        const expected = paths.some((path) => first.test(path) && second.test(path));
        total += 1;
        if (expected) met += 1;
        expect(overlaps(a, b), `${a} and ${b}`).toBe(expected);
      }),
      { numRuns: 1_500 },
    );
    expect(met).toBeGreaterThan(total / 20);
    expect(total - met).toBeGreaterThan(total / 20);
  });

  test('the same way round and round, with themselves, and with everything', () => {
    fc.assert(
      fc.property(glob, glob, (one, other) => {
        expect(overlaps(one, other)).toBe(overlaps(other, one));
        expect(overlaps(one, one)).toBe(true);
        expect(overlaps(one, '**')).toBe(true);
        expect(overlaps(`x/${one}`, `y/${other}`)).toBe(false);
        expect(overlaps(`x/${one}`, `x/${other}`)).toBe(overlaps(one, other));
      }),
    );
  });

  test('the same in the database', async () => {
    const pairs = fc.sample(fc.tuple(glob, glob), { numRuns: 3_000, seed: 20_261_121 });
    const { rows } = await fixture.test.database.pool.query<{ met: boolean }>(
      `SELECT uses_conflict('exclusive path:' || a, 'shared path:' || b) AS met
       FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS p(a, b, n) ORDER BY n`,
      [pairs.map(([one]) => one), pairs.map(([, other]) => other)],
    );
    expect(rows.map(({ met }) => met)).toEqual(pairs.map(([one, other]) => overlaps(one, other)));
  });

  // Long lists are asked in another way than short ones.
  test.each([
    ['little', 0],
    ['much', 20],
  ])('and so does the question whether a task may have what it wants, with %s in use', async (_, others) => {
    const name = fc.oneof(
      fc.constantFrom('A', 'B', 'shared A', 'shared B'),
      fc.tuple(fc.constantFrom('', 'shared '), glob).map(([mode, text]) => `${mode}path:${text}`),
    );
    const use = name.map((written) => storeUses([written])?.[0] as string);
    const owner = fc.constantFrom(0, 0, 0, 1, 2);
    const cases = fc.sample(
      fc.record({
        wanted: fc.array(use, { minLength: 1, maxLength: 3 }),
        used: fc.array(fc.tuple(owner, use), { maxLength: 6 }),
      }),
      { numRuns: 2_000, seed: 20_261_121 },
    );
    const uuid = (n: number) => `00000000-0000-0000-0000-00000000000${n}`;
    const strange = Array.from({ length: others }, (_, n) => [uuid(0), `exclusive other ${n}`]);
    const answers: boolean[] = [];
    const { rows } = await fixture.test.database.pool.query<{ free: boolean }>(
      `SELECT resources_free($2, ARRAY(SELECT jsonb_array_elements_text(c -> 'wanted')),
                             ARRAY(SELECT (u ->> 0)::uuid FROM jsonb_array_elements(c -> 'used') u),
                             ARRAY(SELECT u ->> 1 FROM jsonb_array_elements(c -> 'used') u)) AS free
       FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS c(c, n) ORDER BY n`,
      [
        JSON.stringify(
          cases.map(({ wanted, used }) => ({
            wanted,
            used: [...strange, ...used.map(([n, text]) => [uuid(n), text])],
          })),
        ),
        uuid(2),
      ],
    );
    for (const { wanted, used } of cases) {
      // Behind what the task itself waits for, nothing binds it.
      const own = used.findIndex(([n]) => n === 2);
      const binding = own < 0 ? used : used.slice(0, own);
      answers.push(findConflict(loadUses(wanted), loadUses(binding.map(([, text]) => text))) === null);
    }
    expect(rows.map(({ free }) => free)).toEqual(answers);
    expect(answers.filter((free) => free).length).toBeGreaterThan(200);
    expect(answers.filter((free) => !free).length).toBeGreaterThan(200);
  });

  test.each([
    ['src/api/**', 'src/api', true],
    ['src/api/**', 'src/*/users.ts', true],
    ['src/a*b/x', 'src/ac?/x', true],
    ['src/*.ts', 'src/*.test.tsx', false],
    ['**/package.json', 'apps/**', true],
    ['**/package.json', 'apps/*', true],
    ['a/**/b/**/c', 'a/*/c', true],
    ['a/**/bb/**/c', 'a/?/c', false],
    ['docs/?', 'docs/ab', false],
    ['a.b', 'aXb', false],
  ])('%s and %s: %s', (one, other, expected) => {
    expect(overlaps(one, other)).toBe(expected);
  });
});

test('what is shared on both sides never conflicts, and names are compared as they are', () => {
  const use = (written: string) => {
    const read = readResource(written);
    if (typeof read === 'string') throw new Error(read);
    return read;
  };
  expect(conflicts(use('shared db'), use('shared db'))).toBe(false);
  expect(conflicts(use('shared db'), use('db'))).toBe(true);
  expect(conflicts(use('port:*'), use('port:3000'))).toBe(false);
  expect(conflicts(use('shared path:./src//api/'), use('path:src/api/x.ts'))).toBe(true);
  expect(use('path:./src//api/')).toEqual({ resource: 'path:src/api/**', mode: 'exclusive' });
});

test.each([
  '',
  'a b',
  'path:/etc',
  'path:../x',
  'path:a**/b',
  'path:{a,b}',
  'path:',
  'x'.repeat(301),
  'a\u0000b',
  'port:\ud800',
  'path:src/\udc00/x',
])('a resource that can not be read says why: %j', (written) => {
  expect(readResource(written)).toEqual(expect.any(String));
});
