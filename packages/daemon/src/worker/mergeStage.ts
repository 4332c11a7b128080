import { setTimeout as sleep } from 'node:timers/promises';
import type { MergeTurn, NeolithClient } from '@neolith/contracts';
import type { JsonValue } from '../agents/agentAdapter.js';
import type { MergeRequest, MergeRun, Merger } from '../agents/merger.js';
import type { TerminationReason } from '../process/processSpec.js';
import { describeError, judgeCallError } from './judgeCallError.js';
import type { WorkerLog } from './log.js';
import { withOwnSignal } from './withOwnSignal.js';

export interface MergeStageDependencies {
  readonly client: Pick<NeolithClient, 'requestMerge'>;
  readonly merger: Merger;
  readonly mergeTimeoutMs: number;
  /** How long one call waits for the slot. */
  readonly waitSeconds: number;
  readonly graceMs: number;
  readonly daemonMarker: string;
  readonly secrets: readonly string[];
  readonly log: WorkerLog;
  /** Makes the call again while the server is away. */
  readonly repeat: <T>(what: string, call: () => Promise<T>) => Promise<T>;
}

export type MergeOutcome =
  | { readonly kind: 'merged'; readonly output?: JsonValue }
  | { readonly kind: 'merge_failed'; readonly error: string }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'release' }
  | { readonly kind: 'drop' };

export interface MergeStage {
  /** Never rejects. Nothing of the merge is alive then. */
  readonly finished: Promise<MergeOutcome>;
  /** Gives the slot up, or ends the merge under way. The first reason stands; a shorter grace time counts. */
  end(reason: TerminationReason, graceMs: number): void;
}

/** A wait that was broken off sooner than this says nothing; asking again at once would hammer the server. */
const BROKEN_OFF_MS = 500;
const PAUSE_MS = 1_000;
/** The server's limit. */
const ERROR_CHARS_MAX = 100_000;

/** What follows when the code of an attempt is complete: waits for the merge slot of its run, then merges. */
export function startMergeStage(deps: MergeStageDependencies, request: MergeRequest): MergeStage {
  const { log } = deps;
  const ids = { taskId: request.taskId, attemptId: request.attemptId };
  const ending = new AbortController();
  let wanted: { readonly reason: TerminationReason; readonly graceMs: number } | null = null;
  let run: MergeRun | null = null;

  function end(reason: TerminationReason, graceMs: number): void {
    const first = wanted?.reason ?? reason;
    wanted = { reason: first, graceMs: Math.min(wanted?.graceMs ?? graceMs, graceMs) };
    ending.abort(new Error('The merge is given up.'));
    run?.terminate(first, { graceMs });
  }

  /** Null: given up before it came. */
  async function waitForSlot(): Promise<MergeTurn | null> {
    let place = 0;
    for (;;) {
      const askedMs = performance.now();
      const turn = await deps.repeat('The wish to merge', () =>
        withOwnSignal(ending.signal, (signal) =>
          deps.client.requestMerge({
            params: { id: request.attemptId },
            body: { waitSeconds: deps.waitSeconds },
            signal,
          }),
        ).catch((error: unknown) => {
          if (ending.signal.aborted) return null;
          throw error;
        }),
      );
      if (turn === null || turn.granted || turn.cancelRequested) return turn;
      if (turn.place !== place) log.info('Waiting for the merge slot', { ...ids, place: turn.place });
      place = turn.place;
      if (performance.now() - askedMs >= BROKEN_OFF_MS) continue;
      try {
        await sleep(PAUSE_MS, undefined, { signal: ending.signal });
      } catch {
        // Given up; the next look at the signal says so.
        return null;
      }
    }
  }

  async function merge(): Promise<MergeOutcome> {
    log.info('Merging', { ...ids, merger: deps.merger.name });
    try {
      run = await deps.merger.start(
        request,
        {
          timeoutMs: deps.mergeTimeoutMs,
          graceMs: deps.graceMs,
          daemonMarker: deps.daemonMarker,
          secrets: deps.secrets,
        },
        {
          onLog: (line) => log.debug(line.text, { ...ids, stream: line.stream }),
          onWarning: (warning) => log.warn(warning, ids),
        },
      );
    } catch (error) {
      log.error('The merge could not be started', { ...ids, ...describeError(error) });
      return { kind: 'merge_failed', error: describeError(error).error.slice(0, ERROR_CHARS_MAX) };
    }
    // Asked for while it was being started.
    const early = outcomeWanted();
    if (early !== null) run.terminate(early.reason, { graceMs: early.graceMs });
    const verdict = await run.finished;
    if (verdict.kind === 'terminated') return giveUp(outcomeWanted()?.reason ?? 'shutdown');
    if (verdict.kind === 'merged') return verdict;
    if (verdict.kind === 'refused') log.error('The merge was refused', { ...ids, error: verdict.error });
    return { kind: 'merge_failed', error: verdict.error.slice(0, ERROR_CHARS_MAX) };
  }

  /** `wanted` as it is now: it changes while we wait. */
  function outcomeWanted() {
    return wanted as { readonly reason: TerminationReason; readonly graceMs: number } | null;
  }

  async function live(): Promise<MergeOutcome> {
    try {
      const turn = await waitForSlot();
      if (turn === null) return giveUp(outcomeWanted()?.reason ?? 'shutdown');
      if (!turn.granted) return { kind: 'cancelled' };
      return await merge();
    } catch (error) {
      const lost = judgeCallError(error) === 'lost';
      log.warn(
        lost ? 'The task is no longer ours; it is not merged' : 'The merge slot could not be asked for',
        { ...ids, ...describeError(error) },
      );
      return { kind: 'drop' };
    }
  }

  return { finished: live(), end };
}

function giveUp(reason: TerminationReason): MergeOutcome {
  if (reason === 'lease_lost') return { kind: 'drop' };
  return reason === 'cancelled' ? { kind: 'cancelled' } : { kind: 'release' };
}
