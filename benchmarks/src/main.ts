import { type Benchmark, isMet } from './harness/benchmark.js';
import { describeMachine } from './harness/machine.js';
import { printOutcome, writeReport } from './harness/report.js';
import { runBenchmark } from './harness/runBenchmark.js';
import { isPart } from './harness/wanted.js';
import { cascade } from './rows/cascade.js';
import { costs } from './rows/costs.js';
import { exactness } from './rows/exactness.js';
import { graphOrder } from './rows/graphOrder.js';
import { graphs } from './rows/graphs.js';
import { http } from './rows/http.js';
import { importing } from './rows/import.js';
import { latency } from './rows/latency.js';
import { resources } from './rows/resources.js';
import { retention } from './rows/retention.js';
import { selection } from './rows/selection.js';
import { soak } from './rows/soak.js';
import { statistics } from './rows/statistics.js';
import { storage } from './rows/storage.js';
import { stream } from './rows/stream.js';
import { throughput } from './rows/throughput.js';
import { variants } from './rows/variants.js';

/** In the order in which they run. */
const BENCHMARKS: readonly Benchmark[] = [
  selection,
  exactness,
  throughput,
  costs,
  resources,
  variants,
  graphs,
  cascade,
  latency,
  graphOrder,
  statistics,
  storage,
  http,
  stream,
  importing,
  soak,
  retention,
];

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
process.exit(quick ? await check(chosen) : await measure(chosen));

/** The full table is a finding, whatever it says. */
async function measure(benchmarks: readonly Benchmark[]): Promise<number> {
  let missed = 0;
  for (const benchmark of benchmarks) {
    console.error(`\n${benchmark.title}`);
    const { outcome, settings } = await runBenchmark(benchmark, { rounds, quick });
    printOutcome(outcome);
    missed += outcome.verdicts.filter((verdict) => isMet(verdict) === false).length;
    // The pages hold all sizes and all contestants; a part of them doesn't overwrite them.
    if (isPart()) continue;
    await writeReport(PAGES, benchmark, outcome, [
      describeMachine(),
      ...settings,
      benchmark.describeRounds?.(rounds) ?? `${rounds} interleaved rounds`,
    ]);
  }
  console.log(`\n${benchmarks.length} benchmarks, ${missed} aims missed`);
  return 0;
}

/**
 * The quick subset is a check: each ratio with an aim passes or fails, and a benchmark that can't be run fails once.
 * What misses is measured once more, for a busy machine misses now and then and a defect each time. The pages hold the
 * real sizes and are left alone.
 */
async function check(benchmarks: readonly Benchmark[]): Promise<number> {
  const count = { passed: 0, failed: 0 };
  for (const benchmark of benchmarks) {
    console.error(`\n${benchmark.title}`);
    try {
      let { outcome } = await runBenchmark(benchmark, { rounds, quick });
      if (outcome.verdicts.some((verdict) => isMet(verdict) === false)) {
        printOutcome(outcome);
        console.error(`\n${benchmark.title}, once more`);
        ({ outcome } = await runBenchmark(benchmark, { rounds, quick }));
      }
      printOutcome(outcome);
      const met = outcome.verdicts.map(isMet);
      count.passed += met.filter((one) => one === true).length;
      count.failed += met.filter((one) => one === false).length;
    } catch (error) {
      console.error(error);
      count.failed += 1;
    }
  }
  console.log(`\n${count.passed} passed, ${count.failed} failed`);
  return count.failed > 0 ? 1 : 0;
}
