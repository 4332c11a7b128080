import { parseArgs } from 'node:util';
import { describeFleet } from './fleetReport.js';
import { findMissing } from './minimums.js';
import { runFleet } from './runFleet.js';

const USAGE = `npm run chaos -- --seconds N [--seed S] [--calm-seconds N] [--network-faults N]

  --seconds N          how long faults are injected (default 60)
  --seed S             of the faults' schedule (default: another one each time)
  --calm-seconds N     how long the rest of the work may take after that (default 240)
  --network-faults N   how many of 100 calls of daemons have a fault (default 12)
  --lease-seconds N    of the daemons (default 8); longer on a machine that has much else to do
  --keep               leave its directory with repository, notes and logs, and say where it is`;

const REASONS_TOLD = 40;

class UsageError extends Error {}

function readNumber(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0)
    throw new UsageError(`--${name} must be a whole number, not ${text}`);
  return value;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string' },
      seed: { type: 'string' },
      'calm-seconds': { type: 'string' },
      'network-faults': { type: 'string' },
      'lease-seconds': { type: 'string' },
      keep: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  return {
    help: values.help === true,
    keep: values.keep === true,
    seconds: readNumber('seconds', values.seconds, 60),
    seed: readNumber('seed', values.seed, Date.now() % 100_000),
    calmSeconds: readNumber('calm-seconds', values['calm-seconds'], 240),
    leaseSeconds: readNumber('lease-seconds', values['lease-seconds'], 8),
    faultsPerHundred: readNumber('network-faults', values['network-faults'], 12),
  };
}

/** 0: all is right. 1: something is wrong, or too little has happened. 2: usage. 130: interrupted. */
async function main(): Promise<number> {
  let options: ReturnType<typeof readOptions>;
  try {
    options = readOptions();
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const interrupted = new AbortController();
  let lastAskedMs = Number.NEGATIVE_INFINITY;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      const nowMs = performance.now();
      // Ctrl-C comes twice where npm passes on what the terminal has sent to everybody already.
      if (nowMs - lastAskedMs < 300) return;
      lastAskedMs = nowMs;
      // What is left then is killed by the shell that waits for our end.
      if (interrupted.signal.aborted) process.exit(130);
      console.error('Ending: everything that was started is killed. Once more to leave at once.');
      interrupted.abort(new Error('Interrupted'));
    });
  console.log(`seed ${options.seed}: faults for ${options.seconds} s`);
  try {
    const report = await runFleet({
      ...options,
      signal: interrupted.signal,
      tell: (message) => console.log(`  ${message}`),
    });
    console.log(`\n${describeFleet(report)}\n`);
    const reasons = [...report.violations, ...findMissing(report)];
    if (reasons.length === 0) {
      console.log('All is right.');
      return 0;
    }
    if (report.logs !== '') console.log(report.logs);
    console.log(`\n${reasons.length} things are wrong (seed ${report.seed}):`);
    for (const reason of reasons.slice(0, REASONS_TOLD)) console.log(`- ${reason}`);
    if (reasons.length > REASONS_TOLD) console.log(`- and ${reasons.length - REASONS_TOLD} more`);
    return 1;
  } catch (error) {
    if (interrupted.signal.aborted) return 130;
    console.error(error);
    return 1;
  }
}

// Not by itself when nothing is left to do: a socket that somebody forgot must not hold it up.
process.exit(await main());
