import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deadlineBand, endOfLocalDay, scoreTask, type TaskPriority } from '../src/index.js';
import { createFixture } from './support/engineFixture.js';
import { CLOCK_CHANGES } from './support/localDays.js';

const fixture = createFixture();

interface Example {
  priority: TaskPriority;
  dueAt: Date | null;
  now: Date;
  timeZone: string;
  weight: number;
  boost: number;
  score: number;
}

/** The worked table of the documentation: the seven columns after "| priority | due | now |". */
function readExamples(): Example[] {
  const page = readFileSync(
    fileURLToPath(new URL('../../../docs/concepts/scoring.md', import.meta.url)),
    'utf8',
  );
  const lines = page.split('\n');
  const head = lines.findIndex((line) => /^\| priority +\| due +\| now /.test(line));
  const body = lines.slice(head + 2);
  return body.slice(0, body.indexOf('')).map((line) => {
    const [priority = '', due = '', now = '', timeZone = '', weight, boost, score] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    return {
      priority: priority as TaskPriority,
      dueAt: due === 'none' ? null : new Date(due),
      now: new Date(now),
      timeZone,
      weight: Number(weight),
      boost: Number(boost),
      score: Number(score),
    };
  });
}

const examples = readExamples();

describe('the worked table of docs/concepts/scoring.md', () => {
  test('has an example of every priority and boost', () => {
    expect(examples.length).toBeGreaterThanOrEqual(20);
    expect(new Set(examples.map(({ priority }) => priority)).size).toBe(4);
    expect(new Set(examples.map(({ boost }) => boost))).toEqual(new Set([10, 5, 2, 1]));
  });

  test.each(examples)('$priority due $dueAt at $now in $timeZone scores $score', (example) => {
    const { weight, boost, score } = example;
    expect(scoreTask(example, example.now, example.timeZone)).toEqual({ weight, boost, score });
  });

  test('holds in the database', async () => {
    const { rows } = await fixture.test.database.pool.query<{ boost: number }>(
      `SELECT deadline_boost(coalesce(due, 'infinity'), now, end_of_local_day(now, zone), '{10,5,2,1}') AS boost
       FROM unnest($1::timestamptz[], $2::timestamptz[], $3::text[]) WITH ORDINALITY AS e(due, now, zone, n) ORDER BY n`,
      [
        examples.map(({ dueAt }) => dueAt),
        examples.map(({ now }) => now),
        examples.map(({ timeZone }) => timeZone),
      ],
    );
    expect(rows.map(({ boost }) => boost)).toEqual(examples.map(({ boost }) => boost));
  });
});

test.each([
  [null, 'later or none'],
  [-1, 'overdue'],
  [0, 'due today'],
  [72 * 3_600_000, 'due within 3 days'],
  [72 * 3_600_000 + 1, 'later or none'],
] as const)('a due date %s ms from now is %s', (ms, band) => {
  const now = new Date('2026-05-05T10:00:00Z');
  expect(deadlineBand(ms === null ? null : new Date(now.getTime() + ms), now, 'UTC')).toBe(band);
});

describe('the end of a local day', () => {
  async function inDatabase(pairs: readonly (readonly [Date, string])[]): Promise<Date[]> {
    const { rows } = await fixture.test.database.pool.query<{ end: Date }>(
      `SELECT end_of_local_day(now, zone) AS "end"
       FROM unnest($1::timestamptz[], $2::text[]) WITH ORDINALITY AS e(now, zone, n) ORDER BY n`,
      [pairs.map(([now]) => now), pairs.map(([, zone]) => zone)],
    );
    return rows.map(({ end }) => end);
  }

  const format = (at: Date, timeZone: string) =>
    new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' }).format(at);

  test.each([
    ['America/Havana', '2026-03-07T20:00:00Z', '2026-03-08T05:00:00.000Z'],
    ['America/Havana', '2026-10-31T20:00:00Z', '2026-11-01T04:00:00.000Z'],
    ['America/Havana', '2026-11-01T05:30:00Z', '2026-11-02T05:00:00.000Z'],
    ['America/St_Johns', '2010-11-06T20:00:00Z', '2010-11-07T02:30:00.000Z'],
    ['America/St_Johns', '2010-11-07T02:45:00Z', '2010-11-07T03:30:00.000Z'],
    ['Pacific/Apia', '2011-12-30T09:59:59Z', '2011-12-30T10:00:00.000Z'],
    ['Australia/Lord_Howe', '2026-04-04T14:00:00Z', '2026-04-05T13:30:00.000Z'],
  ])('in %s at %s is %s', async (zone, now, end) => {
    expect(endOfLocalDay(new Date(now), zone).toISOString()).toBe(end);
    expect(await inDatabase([[new Date(now), zone]])).toEqual([new Date(end)]);
  });

  test('is the same in the engine and in the database, around every kind of clock change', async () => {
    const pairs = CLOCK_CHANGES.flatMap(([zone, at]) =>
      Array.from(
        { length: 60 },
        (_, n) => [new Date(Date.parse(at) + (n - 40) * 2_700_000 + (n % 3) - 1), zone] as const,
      ),
    );
    const ends = await inDatabase(pairs);
    expect(pairs.map(([now, zone], n) => [zone, now.toISOString(), ends[n]?.toISOString()])).toEqual(
      pairs.map(([now, zone]) => [zone, now.toISOString(), endOfLocalDay(now, zone).toISOString()]),
    );
  });

  test('is the first later date in every zone that an orchestrator may have', async () => {
    const zones = Intl.supportedValuesOf('timeZone');
    expect(zones.length).toBeGreaterThan(400);
    const pairs = zones.map(
      (zone, n) => [new Date(Date.UTC(2026, n % 12, 1 + (n % 28), n % 24)), zone] as const,
    );
    const ends = await inDatabase(pairs);
    for (const [n, [now, zone]] of pairs.entries()) {
      const end = ends[n] as Date;
      expect(format(end, zone) > format(now, zone), zone).toBe(true);
      expect(format(new Date(end.getTime() - 1), zone), zone).toBe(format(now, zone));
    }
  });

  test('lies within the day that follows, whatever the moment', () => {
    const moments = fc
      .constantFrom(...CLOCK_CHANGES)
      .chain(([zone, at]) =>
        fc
          .integer({ min: -100 * 3_600_000, max: 100 * 3_600_000 })
          .map((shift) => [new Date(Date.parse(at) + shift), zone] as const),
      );
    fc.assert(
      fc.property(moments, ([now, zone]) => {
        const end = endOfLocalDay(now, zone);
        expect(end.getTime()).toBeGreaterThan(now.getTime());
        expect(end.getTime() - now.getTime()).toBeLessThanOrEqual(26 * 3_600_000);
        expect(format(end, zone) > format(now, zone)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
