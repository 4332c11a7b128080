// `npm run bench:check`: the quick subset of the benchmarks, in less than three minutes; see countBenchmarks.mjs. Part of
// `npm test` too. Ends with one line: `N passed, N failed`.
import { countBenchmarks } from './countBenchmarks.mjs';
import { prepare } from './prepare.mjs';

prepare({ build: true });
const { passed, failed, skipped } = countBenchmarks();
for (const name of skipped) console.log(`skipped: ${name}`);
console.log(`${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`);
process.exit(failed > 0 ? 1 : 0);
