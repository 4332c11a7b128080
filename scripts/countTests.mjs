// Runs vitest and counts what came of it, from its own report.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { root, run } from './prepare.mjs';

/** Lines of a failure that are repeated at the end, where a log that was cut still has them. */
const FAILURE_LINES = 14;

/** More files than this fail for a reason of their own; then none is run again. */
const MOST_REPEATED = 12;

/**
 * Runs `vitest run` with further arguments; gives how many passed and failed, the names of those that were skipped, of
 * those that failed the name with the beginning of what was said, and the same of those that are flaky.
 *
 * @param options.repeat Real processes and real time on a busy machine make a test miss now and then, and a defect fails
 * each time. So the files with a failure, if they are few, are run once more, one by one; what passes then counts as passed,
 * and is told.
 */
export function countTests(args, { repeat = false } = {}) {
  const first = runTests(args);
  const files = [...new Set(first.failed.map(({ file }) => file))];
  const isRepeated =
    repeat && files.length > 0 && files.length <= MOST_REPEATED && !files.includes(undefined);
  if (isRepeated)
    console.log(`\nOnce more, one by one: ${files.map((file) => relative(root, file)).join(', ')}`);
  // What only the second run saw is a failure too.
  const { failed } = isRepeated
    ? runTests([...args.filter((word) => word !== '--coverage'), ...files], { NEOLITH_TEST_WORKERS: '1' })
    : first;
  const failsStill = ({ file, name }) =>
    failed.some((one) => !one.file || (one.file === file && (!one.name || !name || one.name === name)));
  return {
    passed: first.passed + first.failed.length - failed.length,
    failed: failed.length,
    skipped: first.skipped,
    failures: failed.map(describe),
    flaky: first.failed.filter((failure) => !failsStill(failure)).map(describe),
  };
}

function runTests(args, environment = {}) {
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
    { cwd: root, stdio: 'inherit', env: { ...run.environment, ...environment } },
  );
  let results;
  try {
    results = JSON.parse(readFileSync(report, 'utf8'));
  } catch (cause) {
    console.error('vitest ended without a report; see above', cause.message);
    return { passed: 0, skipped: [], failed: [{ message: 'vitest ended without a report' }] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const tests = results.testResults.flatMap((file) =>
    file.assertionResults.map((test) => ({ ...test, file: file.name })),
  );
  const failed = tests
    .filter(({ status }) => status === 'failed')
    .map(({ file, fullName, failureMessages }) => ({
      file,
      name: fullName,
      message: failureMessages.join('\n'),
    }));
  for (const { name: file, status, message } of results.testResults) {
    // A file that can't even be loaded has no tests of its own; it counts as one that failed.
    if (status === 'failed' && !failed.some((failure) => failure.file === file))
      failed.push({ file, message });
  }
  if (outcome.status !== 0 && failed.length === 0) failed.push({ message: 'vitest itself; see above' });
  return {
    passed: results.numPassedTests,
    skipped: tests
      .filter(({ status }) => status === 'skipped' || status === 'pending' || status === 'todo')
      .map(({ fullName }) => fullName),
    failed,
  };
}

function describe({ file, name, message }) {
  const title = [file === undefined ? undefined : relative(root, file), name].filter(Boolean).join(': ');
  return [title, ...message.split('\n').slice(0, FAILURE_LINES)].filter(Boolean).join('\n  ');
}
