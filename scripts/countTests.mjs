// Runs vitest and counts what came of it, from its own report.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { root, run } from './prepare.mjs';

/** Lines of a failure that are repeated at the end, where a log that was cut still has them. */
const FAILURE_LINES = 14;

/**
 * Runs `vitest run` with further arguments; gives how many passed and failed, the names of those that were skipped, and
 * of those that failed the name with the beginning of what was said.
 */
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
    return { passed: 0, failed: 1, skipped: [], failures: ['vitest ended without a report'] };
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
  const failures = [
    ...results.testResults.flatMap((file) =>
      file.assertionResults
        .filter(({ status }) => status === 'failed')
        .map((test) =>
          describe(`${relative(root, file.name)}: ${test.fullName}`, test.failureMessages.join('\n')),
        ),
    ),
    ...broken.map((file) => describe(relative(root, file.name), file.message)),
  ];
  if (outcome.status !== 0 && failed === 0) failures.push('vitest itself; see above');
  return {
    passed: results.numPassedTests,
    failed: failed + (outcome.status !== 0 && failed === 0 ? 1 : 0),
    skipped: skipped.map(({ fullName }) => fullName),
    failures,
  };
}

const describe = (name, message) => [name, ...message.split('\n').slice(0, FAILURE_LINES)].join('\n  ');
