// `npm test`: installs and builds what is missing, runs every test of the repository, and ends with one line:
// `N passed, N failed` (and `, N skipped`, each with its reason above). Further arguments go to vitest.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepare, run } from './prepare.mjs';

prepare({ build: true });

const folder = mkdtempSync(join(tmpdir(), 'neolith-test-'));
const report = join(folder, 'report.json');
const outcome = spawnSync(
  process.execPath,
  [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ],
  { stdio: 'inherit', env: run.environment },
);

let results;
try {
  results = JSON.parse(readFileSync(report, 'utf8'));
} catch (cause) {
  console.error('vitest ended without a report; see above', cause.message);
  console.log('0 passed, 1 failed');
  process.exit(outcome.status || 1);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

const skipped = results.testResults.flatMap((file) =>
  file.assertionResults.filter(
    ({ status }) => status === 'skipped' || status === 'pending' || status === 'todo',
  ),
);
for (const test of skipped) console.log(`skipped: ${test.fullName}`);
// A file that can't even be loaded has no tests of its own; it counts as one that failed.
const broken = results.testResults.filter(
  (file) => file.status === 'failed' && file.assertionResults.every(({ status }) => status !== 'failed'),
);
const failed =
  results.numFailedTests +
  broken.length +
  (outcome.status !== 0 && results.numFailedTests + broken.length === 0 ? 1 : 0);
console.log(
  `${results.numPassedTests} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`,
);
process.exit(failed > 0 ? 1 : 0);
