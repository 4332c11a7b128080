// Everything that is checked besides the tests: format and lint, types, unused code, the docs.
import { spawnSync } from 'node:child_process';
import { prepare, root, run } from './prepare.mjs';

prepare({ build: true });

const checks = [
  ['lint and format', ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.']],
  ['types', ['node_modules/turbo/bin/turbo', 'run', 'typecheck', '--output-logs=errors-only']],
  ['unused code and dependencies', ['node_modules/knip/bin/knip.js']],
  ['docs', ['scripts/check-docs.mjs']],
];

let failed = 0;
for (const [label, args] of checks) {
  const start = performance.now();
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env: run.environment });
  console.log(
    `${status === 0 ? 'ok' : 'FAILED'}: ${label} (${((performance.now() - start) / 1_000).toFixed(1)} s)`,
  );
  if (status !== 0) failed += 1;
}
process.exit(failed === 0 ? 0 : 1);
