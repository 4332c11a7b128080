import fc from 'fast-check';

/**
 * The seed of every property test. It is fixed, so that a run judges the change at hand and not its luck;
 * `NEOLITH_TEST_SEED=random` explores (the seed of a failure is printed), a number repeats such a run.
 */
const seed = process.env.NEOLITH_TEST_SEED ?? '20261120';
if (seed !== 'random') {
  const number = Number(seed);
  if (!Number.isInteger(number))
    throw new Error(`NEOLITH_TEST_SEED is "${seed}"; give a whole number or "random".`);
  fc.configureGlobal({ seed: number });
}
