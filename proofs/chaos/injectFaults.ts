import { setTimeout as delay } from 'node:timers/promises';
import type { ChaosPostgres } from './chaosPostgres.js';
import type { CountedFaults } from './countedFaults.js';
import type { DaemonFleet } from './daemonFleet.js';
import type { FaultAt, PlannedFault } from './planFaults.js';
import type { Prober } from './prober.js';
import type { Processes } from './processes.js';
import type { Random } from './seededRandom.js';
import type { TcpProxy } from './tcpProxy.js';
import type { WebServer } from './webServers.js';

export interface FaultTargets {
  readonly postgres: ChaosPostgres;
  /** Between the servers and PostgreSQL. */
  readonly links: TcpProxy;
  readonly servers: readonly WebServer[];
  readonly daemons: DaemonFleet;
  readonly prober: Prober;
  readonly processes: Processes;
  readonly leaseSeconds: number;
  readonly random: Random;
  readonly faults: CountedFaults;
}

/** PostgreSQL stays away for up to so long, so that those who need it meet its absence. */
const AWAY_MS = 2_500;
const SLOW_MS: readonly [number, number] = [1_000, 3_000];
/** Past the lease, so that the sweep has taken it when the daemon goes on. */
const PAST_LEASE_MS = 3_000;

/** Injects one series of planned faults, each at its time or, where the one before took longer, after that. */
export async function injectSeries(
  targets: FaultTargets,
  plan: readonly FaultAt[],
  beganMs: number,
  signal: AbortSignal,
): Promise<void> {
  for (const planned of plan) {
    await delay(Math.max(0, beganMs + planned.atMs - performance.now()), undefined, { signal });
    await injectFault(targets, planned, signal);
    targets.faults.count(planned.fault);
  }
}

/** Resolves when what was taken away is there again. */
function injectFault(targets: FaultTargets, planned: FaultAt, signal: AbortSignal): Promise<void> {
  const { postgres, links, servers, daemons, random } = targets;
  const { target, amount } = planned;
  const inject: Record<PlannedFault, () => Promise<void>> = {
    postgres_killed: () => takeAway(targets, amount, () => postgres.kill('postmaster')),
    postgres_everything_killed: () => takeAway(targets, amount, () => postgres.kill('everything')),
    postgres_restarted: () => takeAway(targets, 0, () => postgres.stop()),
    postgres_session_killed: () => untilDone(() => postgres.killSession()),
    postgres_sessions_terminated: () => untilDone(() => postgres.terminateSessions()),
    // A third at once, the others in the middle of an answer.
    async postgres_links_cut() {
      const afterBytes = target < 0.33 ? 0 : Math.ceil(amount * 2_000);
      links.cut(() => random() < 0.6, afterBytes);
    },
    async postgres_links_silent() {
      links.silence(() => random() < 0.3);
    },
    async postgres_links_slow() {
      links.delayMs = Math.round(20 + amount * 180);
      try {
        await delay(SLOW_MS[0] + target * (SLOW_MS[1] - SLOW_MS[0]));
      } finally {
        links.delayMs = 0;
      }
    },
    web_killed: () => (servers[Math.floor(target * servers.length)] as WebServer).killAndRestart(),
    daemon_killed: () => daemons.killAndRestart(target),
    daemon_stopped_past_lease: () =>
      daemons.pause(target, targets.leaseSeconds * 1_000 + PAST_LEASE_MS + amount * 3_000, signal),
  };
  return inject[planned.fault]();
}

async function takeAway(
  { postgres, prober, processes }: FaultTargets,
  amount: number,
  take: () => Promise<unknown>,
): Promise<void> {
  prober.postgresGoes();
  // It may be in the middle of a restart of its own, because a session of it was killed.
  await untilDone(take);
  processes.watch('postgres', null);
  await delay(amount * AWAY_MS);
  await untilDone(() => postgres.start());
  processes.watch('postgres', await postgres.pid());
  prober.postgresIsBack();
}

/** Again until it can be done: another series may just have taken PostgreSQL away. */
async function untilDone(act: () => Promise<unknown>): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    try {
      await act();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(100);
    }
  }
}
