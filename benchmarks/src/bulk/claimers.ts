import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

export type ClaimerOrder =
  | { do: 'drain'; inFlight: number }
  | { do: 'pace'; perSecond: number }
  | { do: 'stop' }
  | { do: 'end' };

/** What happened since the last report. */
export interface ClaimerReport {
  done: number;
  claims: [at: number, ms: number][];
  isOver: boolean;
}

/** What claimers did in a phase. */
export interface Phase {
  /** How many tasks were done, and when: rising sums beside milliseconds since the phase began. */
  curve: { ms: number; done: number }[];
  done: number;
  /** Each claim call: when it began, in milliseconds since the phase began, and how long it took. */
  claims: { at: number; ms: number }[];
}

export interface Claimers {
  /** Runs until so many tasks are done, or nothing is left, or the time is over. */
  run(order: ClaimerOrder, until: { done?: number; seconds?: number }): Promise<Phase>;
  /** Ends the phase under way. */
  stop(): void;
  end(): Promise<void>;
}

/** Processes that claim and complete for one orchestrator. */
export function startClaimers(count: number, url: string, orchestratorId: string): Claimers {
  const children = Array.from({ length: count }, () =>
    fork(new URL('claimer.js', import.meta.url), [url, orchestratorId], { stdio: 'inherit' }),
  );
  const tell = (order: ClaimerOrder) => {
    for (const child of children) child.send(order);
  };
  return {
    async run(order, until) {
      const phase: Phase = { curve: [], done: 0, claims: [] };
      const start = Date.now();
      const stop = () => tell({ do: 'stop' });
      const timer = until.seconds === undefined ? null : setTimeout(stop, until.seconds * 1_000);
      const watched = children.map((child) =>
        watch(child, (report) => {
          phase.done += report.done;
          for (const [at, ms] of report.claims) phase.claims.push({ at: at - start, ms });
          phase.curve.push({ ms: Date.now() - start, done: phase.done });
          if (until.done !== undefined && phase.done >= until.done) stop();
        }),
      );
      tell(order);
      await Promise.all(watched);
      if (timer !== null) clearTimeout(timer);
      return phase;
    },
    stop: () => tell({ do: 'stop' }),
    async end() {
      const gone = children.map((child) => (child.exitCode === null ? once(child, 'exit') : null));
      tell({ do: 'end' });
      await Promise.all(gone);
    },
  };
}

async function watch(child: ChildProcess, onReport: (report: ClaimerReport) => void): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const gone = () => reject(new Error('A claimer ended in the middle of its work'));
    const heard = (report: ClaimerReport) => {
      onReport(report);
      if (!report.isOver) return;
      child.off('message', heard);
      child.off('exit', gone);
      resolve();
    };
    child.on('message', heard);
    child.once('exit', gone);
  });
}
