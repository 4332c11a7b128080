// `npm run simulate -- [--seeds 5000] [--first 1] [--seed 12345] [--steps N]`: stories of daemons, people and faults against
// the real engine, each told by its seed; see docs/guides/simulation.md. Ends with 0 where no rule was broken.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { prepare, root, run } from './prepare.mjs';

const OPTIONS = {
  seeds: 'NEOLITH_SIMULATION_SEEDS',
  first: 'NEOLITH_SIMULATION_FIRST',
  seed: 'NEOLITH_SIMULATION_SEED',
  steps: 'NEOLITH_SIMULATION_STEPS',
};

function readOptions() {
  const { values } = parseArgs({
    options: Object.fromEntries(Object.keys(OPTIONS).map((name) => [name, { type: 'string' }])),
  });
  for (const [name, value] of Object.entries(values))
    if (!/^\d+$/.test(value)) throw new Error(`--${name} takes a whole number, not "${value}"`);
  return values;
}

let options;
try {
  options = readOptions();
} catch (error) {
  console.error(`${error.message}\nnpm run simulate -- [--seeds 1000] [--first 1] [--seed N] [--steps N]`);
  process.exit(2);
}
prepare({ build: true });

const values = options.seed === undefined ? { seeds: '1000', ...options } : options;
const environment = Object.fromEntries(Object.entries(values).map(([name, value]) => [OPTIONS[name], value]));
const { status } = spawnSync(
  process.execPath,
  [
    ...['node_modules/vitest/vitest.mjs', 'run', '--project', 'work-engine'],
    ...['packages/work-engine/test/simulation/simulation.test.ts', '--disableConsoleIntercept=true'],
  ],
  { cwd: root, stdio: 'inherit', env: { ...run.environment, ...environment } },
);
process.exit(status ?? 1);
