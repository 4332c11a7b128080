// `npm run proofs [-- FILTER]`: the long proofs (minutes of waiting, chaos, a second PostgreSQL). Each has a short
// version among the tests.
import { spawnSync } from 'node:child_process';
import { prepare, root, run } from './prepare.mjs';

prepare({ build: true });
const { status } = spawnSync(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.proofs.config.ts', ...process.argv.slice(2)],
  {
    cwd: root,
    stdio: 'inherit',
    env: run.environment,
  },
);
process.exit(status ?? 1);
