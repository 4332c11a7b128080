import type { ConnectionFlags } from '../connection/resolveConnection.js';
import { quoteArgument } from '../output/quoteArgument.js';
import type { WorkerFlags } from './prepareWorkers.js';

/** What a later call has to be told again, so that it does the same in the same way. */
export interface GoOnFlags extends WorkerFlags, ConnectionFlags {
  readonly maxConcurrent: number;
  readonly timeout?: number;
  readonly mergeStage?: boolean;
  readonly name?: string;
  readonly leaseSeconds: number;
  readonly drainMinutes: number;
}

/** As `neolith execute` has them where nobody says otherwise; these need not be told again. */
export const EXECUTE_DEFAULTS = {
  maxConcurrent: 5,
  leaseSeconds: 30,
  drainMinutes: 10,
  merge: 'rebase',
} as const;

/** The command that goes on with a run, with the agents, the repository and the limits of the call before. Pure. */
export function describeGoOn(runId: string, flags: GoOnFlags): string {
  const changed = <K extends keyof typeof EXECUTE_DEFAULTS>(name: K): string | undefined =>
    flags[name] === EXECUTE_DEFAULTS[name] ? undefined : String(flags[name]);
  const options: readonly (readonly [string, string | undefined])[] = [
    ...flags.agent.map((agent) => ['--agent', agent] as const),
    ['--shell-command', flags.shellCommand],
    ['--agents-config', flags.agentsConfig],
    ['--model', flags.model],
    ['--router', flags.router],
    ['-r', flags.repoPath],
    ['--work-directory', flags.workDirectory],
    ['--target', flags.target],
    ['--merge', changed('merge')],
    ['--check', flags.check],
    ['--merge-command', flags.mergeCommand],
    ['-c', changed('maxConcurrent')],
    ['-t', flags.timeout === undefined ? undefined : `${flags.timeout}s`],
    ['--stalled-after', describeTime(flags.stalledAfter)],
    ['--name', flags.name],
    ['--lease-seconds', changed('leaseSeconds')],
    ['--drain-minutes', changed('drainMinutes')],
    ['--server', flags.server],
    ['--token-file', flags.tokenFile],
  ];
  return [
    'neolith execute --run',
    runId,
    '--resume',
    ...options.flatMap(([flag, value]) => (value === undefined ? [] : [flag, quoteArgument(value)])),
    ...(flags.cache ? ['--cache'] : []),
    ...(flags.mergeStage === false ? ['--no-merge-stage'] : []),
  ].join(' ');
}

function describeTime(seconds: number | null | undefined): string | undefined {
  if (seconds === undefined) return undefined;
  return seconds === null ? 'never' : `${seconds}s`;
}
