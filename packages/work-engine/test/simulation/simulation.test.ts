import { createTestDatabase, type TestDatabase } from '@neolith/database/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findTooFew } from './leastCounts.js';
import { simulate } from './simulate.js';
import { simulateMany } from './simulateMany.js';
import { Tally } from './tally.js';

/** Of each run of the tests: about a minute. `npm run simulate` tells thousands. */
const SEEDS = 200;
/** Of `npm run simulate`; see docs/guides/simulation.md. */
const { NEOLITH_SIMULATION_SEEDS: count, NEOLITH_SIMULATION_SEED: only } = process.env;
const { NEOLITH_SIMULATION_STEPS: steps, NEOLITH_SIMULATION_FIRST: first } = process.env;
const options = steps === undefined ? {} : { steps: Number(steps) };

describe.runIf(only === undefined)('the simulation', () => {
  test('whatever happens, no rule is broken, and everything comes to an end', {
    timeout: 36_000_000,
  }, async () => {
    const tally = new Tally();
    const begun = performance.now();
    const cpu = process.cpuUsage();
    const failures = await simulateMany(tally, {
      ...options,
      first: Number(first ?? 1),
      count: Number(count ?? SEEDS),
      onFailure: ({ message }) => console.error(message),
    });
    const { user, system } = process.cpuUsage(cpu);
    if (count !== undefined)
      console.log(
        `${tally.print()}\n${((performance.now() - begun) / 1_000).toFixed(1)} s, ${((user + system) / 1e6).toFixed(1)} s of CPU here`,
      );
    expect(failures.map(({ message }) => message).join('\n\n')).toBe('');
    expect(findTooFew(tally)).toEqual([]);
  });
});

describe('one seed', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase({ poolSize: 10, statementTimeoutMs: 60_000 });
  });
  afterAll(() => database?.drop());

  test.runIf(only !== undefined)('tells its story', { timeout: 3_600_000 }, async () => {
    const { story } = await simulate(database.database, Number(only), new Tally(), options);
    console.log(`${story.lines.join('\n')}\nstory ${story.hash()}`);
  });

  test.runIf(only === undefined)('tells the same story each time', async () => {
    const [one, other] = await Promise.all(
      [1, 2].map(() => simulate(database.database, 7, new Tally(), options)),
    );
    expect(one?.story.lines).toEqual(other?.story.lines);
    expect(one?.story.hash()).toBe(other?.story.hash());
  });
});
