import { type Benchmark, isMet } from './harness/benchmark.js';
import { describeMachine } from './harness/machine.js';
import { printOutcome, writeReport } from './harness/report.js';
import { runBenchmark } from './harness/runBenchmark.js';
import { importing } from './rows/import.js';
import { retention } from './rows/retention.js';
import { soak } from './rows/soak.js';
import { throughput } from './rows/throughput.js';

/** In the order in which they run. */
const BENCHMARKS: readonly Benchmark[] = [throughput, importing, soak, retention];

const PAGES = new URL('../../docs/benchmarks/', import.meta.url);
const ROUNDS = 5;

const words = process.argv.slice(2);
const quick = words.includes('--quick');
const names = words.filter((word) => !word.startsWith('--'));
const unknown = names.find((name) => !BENCHMARKS.some((benchmark) => benchmark.name === name));
if (unknown !== undefined) {
  console.error(
    `There is no benchmark "${unknown}"; there are: ${BENCHMARKS.map(({ name }) => name).join(', ')}`,
  );
  process.exit(2);
}

const chosen = BENCHMARKS.filter((benchmark) =>
  names.length > 0 ? names.includes(benchmark.name) : !quick || benchmark.quick === true,
);
const rounds = Number(process.env.ROUNDS ?? (quick ? 3 : ROUNDS));
let missed = 0;
for (const benchmark of chosen) {
  console.error(`\n${benchmark.title}`);
  const { outcome, settings } = await runBenchmark(benchmark, { rounds, quick });
  printOutcome(outcome);
  missed += outcome.verdicts.filter((verdict) => isMet(verdict) === false).length;
  // The pages hold the real sizes; a quick look doesn't overwrite them.
  if (!quick)
    await writeReport(PAGES, benchmark, outcome, [
      describeMachine(),
      ...settings,
      `${rounds} interleaved rounds`,
    ]);
}
console.log(`\n${chosen.length} benchmarks, ${missed} aims missed`);
// The full table is a finding, whatever it says; the quick subset is a check.
process.exit(quick && missed > 0 ? 1 : 0);
