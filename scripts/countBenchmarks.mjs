// The quick subset of the benchmarks, and the plans of the hot statements with a million tasks. Nothing in it is held to
// a time of the clock: ratios of what runs side by side, and what executed plans touch.
import { spawnSync } from 'node:child_process';
import { countTests } from './countTests.mjs';
import { root, run } from './prepare.mjs';

/** Each ratio beside its aim counts as one; everything must have been built. */
export function countBenchmarks() {
  const { stdout } = spawnSync(process.execPath, ['benchmarks/dist/main.js', '--quick'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    env: run.environment,
  });
  process.stdout.write(stdout ?? '');
  // Without its last line it ended before it was through.
  const [, passed = 0, failed = 1] = /(\d+) passed, (\d+) failed\s*$/.exec(stdout ?? '') ?? [];
  const plans = countTests(['--config', 'vitest.proofs.config.ts', 'plansAtSize']);
  return {
    passed: Number(passed) + plans.passed,
    failed: Number(failed) + plans.failed,
    skipped: plans.skipped,
    flaky: plans.flaky,
    failures: [
      ...(Number(failed) > 0 ? ['quick benchmarks: ratios marked as missed above'] : []),
      ...plans.failures,
    ],
  };
}
