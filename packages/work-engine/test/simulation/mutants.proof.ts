import { expect, test } from 'vitest';
import { MUTANTS } from './mutants.js';
import { simulateMany } from './simulateMany.js';
import { Tally } from './tally.js';

const SEEDS_MAX = 300;

test.each(MUTANTS)('the simulation misses $name', async ({ name, apply }) => {
  const tally = new Tally();
  const [failure] = await simulateMany(tally, { first: 1, count: SEEDS_MAX, prepare: apply });
  expect(failure?.seed, `nobody noticed in ${SEEDS_MAX} stories that ${name} is gone`).toBeDefined();
  console.log(
    `without ${name}: seed ${failure?.seed}, after ${tally.stories} stories and ${tally.steps} steps`,
  );
});
