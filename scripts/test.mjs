// `npm test`: installs and builds what is missing, runs every test of the repository and then the quick benchmarks, and
// ends with one line: `N passed, N failed` (and `, N skipped`, each with its reason above). Further arguments go to vitest;
// with a name among them, or with NEOLITH_TEST_BENCHMARKS=0, the benchmarks are left out.
import { countBenchmarks } from './countBenchmarks.mjs';
import { countTests } from './countTests.mjs';
import { prepare } from './prepare.mjs';

prepare({ build: true });

const args = process.argv.slice(2);
const isWhole = args.every((word) => word === '--coverage');
const counts = [countTests(args, { repeat: isWhole })];
// After the tests and never beside them: they would have the machine for themselves only by chance.
if (isWhole && process.env.NEOLITH_TEST_BENCHMARKS !== '0') counts.push(countBenchmarks());

const skipped = counts.flatMap((count) => count.skipped);
const sum = (which) => counts.reduce((all, count) => all + count[which], 0);
for (const failure of counts.flatMap((count) => count.failures)) console.log(`failed: ${failure}`);
for (const test of counts.flatMap((count) => count.flaky))
  console.log(`flaky, passed when run again: ${test}`);
for (const name of skipped) console.log(`skipped: ${name}`);
console.log(
  `${sum('passed')} passed, ${sum('failed')} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`,
);
process.exit(sum('failed') > 0 ? 1 : 0);
