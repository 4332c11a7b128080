import type { AgentFigure, NeolithClient } from '@neolith/contracts';

/** What the server says of how agents did, at most some seconds old. */
export interface FiguresSource {
  /** Never rejects: where the server can't be asked, what it said last, or nothing. */
  current(): Promise<readonly AgentFigure[]>;
}

export interface FiguresOptions {
  readonly client: Pick<NeolithClient, 'getAgentFigures'>;
  /** Told when it can't be asked, once until it can be again. */
  readonly onProblem?: (error: unknown) => void;
  /** Milliseconds. Default 10,000. */
  readonly freshMs?: number;
  /** Milliseconds that a choice waits for an answer. Default 3,000. */
  readonly timeoutMs?: number;
  /** Milliseconds of a clock that only goes on. */
  readonly nowMs?: () => number;
}

/** Asks when somebody wants to know and what is known is old; all who ask meanwhile wait for the one answer. */
export function followFigures({
  client,
  onProblem,
  freshMs = 10_000,
  timeoutMs = 3_000,
  nowMs = () => performance.now(),
}: FiguresOptions): FiguresSource {
  let known: readonly AgentFigure[] = [];
  let askedMs = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | null = null;
  let isAway = false;

  async function ask(): Promise<void> {
    try {
      known = (await client.getAgentFigures({ signal: AbortSignal.timeout(timeoutMs) })).figures;
      isAway = false;
    } catch (error) {
      if (!isAway) onProblem?.(error);
      isAway = true;
    }
    // After a failure, too: a server that is away isn't waited for by each task.
    askedMs = nowMs();
  }

  return {
    async current() {
      if (nowMs() - askedMs < freshMs) return known;
      asking ??= ask().finally(() => {
        asking = null;
      });
      await asking;
      return known;
    },
  };
}
