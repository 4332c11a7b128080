// Runs vitest and counts what came of it, from its own report.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, run } from './prepare.mjs';

/** Runs `vitest run` with further arguments; gives how many passed and failed, and the names of those that were skipped. */
export function countTests(args) {
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
      ...args,
    ],
    { cwd: root, stdio: 'inherit', env: run.environment },
  );
  let results;
  try {
    results = JSON.parse(readFileSync(report, 'utf8'));
  } catch (cause) {
    console.error('vitest ended without a report; see above', cause.message);
    return { passed: 0, failed: 1, skipped: [] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const skipped = results.testResults.flatMap((file) =>
    file.assertionResults.filter(
      ({ status }) => status === 'skipped' || status === 'pending' || status === 'todo',
    ),
  );
  // A file that can't even be loaded has no tests of its own; it counts as one that failed.
  const broken = results.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every(({ status }) => status !== 'failed'),
  );
  const failed = results.numFailedTests + broken.length;
  return {
    passed: results.numPassedTests,
    failed: failed + (outcome.status !== 0 && failed === 0 ? 1 : 0),
    skipped: skipped.map(({ fullName }) => fullName),
  };
}
