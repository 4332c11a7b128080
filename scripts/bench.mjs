// `npm run bench [-- NAME]`: builds, then runs the benchmarks; see benchmarks/.
import { spawnSync } from 'node:child_process';
import { prepare, root, run } from './prepare.mjs';

prepare({ build: true });
const { status } = spawnSync(process.execPath, ['benchmarks/dist/main.js', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
  env: run.environment,
});
process.exit(status ?? 1);
