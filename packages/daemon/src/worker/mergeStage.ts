import { setTimeout as sleep } from 'node:timers/promises';
import type { MergeTurn, NeolithClient } from '@neolith/contracts';
import type { JsonValue } from '../agents/agentAdapter.js';
import type { MergeRequest, MergeRun, Merger, MergeVerdict } from '../agents/merger.js';
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
  /** It is refused for now, and tried again until its time is over. Told once for each reason. */
  readonly onRefused: (reason: string) => void;
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
/** Between two tries of a merge that is refused: from, doubled each time, up to. */
const REFUSED_PAUSE_MS = [1_000, 30_000] as const;
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

  /** Null: given up before there was an answer. */
  function ask(waitSeconds: number): Promise<MergeTurn | null> {
    return deps.repeat('The wish to merge', () =>
      withOwnSignal(ending.signal, (signal) =>
        deps.client.requestMerge({ params: { id: request.attemptId }, body: { waitSeconds }, signal }),
      ).catch((error: unknown) => {
        if (ending.signal.aborted) return null;
        throw error;
      }),
    );
  }

  /** Null: given up before it came. */
  async function waitForSlot(): Promise<MergeTurn | null> {
    let place = 0;
    for (;;) {
      const askedMs = performance.now();
      const turn = await ask(deps.waitSeconds);
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

  /**
   * A refusal is not the task's fault, and mostly somebody's unfinished business in a checkout of the target: doing the
   * whole task again would help nobody, so the merge waits for them.
   */
  async function merge(): Promise<MergeOutcome> {
    log.info('Merging', { ...ids, merger: deps.merger.name });
    const giveUpAtMs = performance.now() + deps.mergeTimeoutMs;
    let told = '';
    let [pauseMs, pauseMaxMs]: readonly number[] = REFUSED_PAUSE_MS;
    for (;;) {
      const outcome = await mergeOnce();
      if (outcome.kind !== 'refused') return outcome;
      const leftMs = giveUpAtMs - performance.now();
      const error = outcome.error.slice(0, ERROR_CHARS_MAX);
      if (leftMs <= 0) return { kind: 'merge_failed', error };
      if (error !== told) {
        log.warn('The merge is refused for now; trying again', { ...ids, error });
        deps.onRefused(error);
      }
      told = error;
      try {
        await sleep(Math.min(pauseMs, leftMs), undefined, { signal: ending.signal });
      } catch {
        return giveUp(outcomeWanted()?.reason ?? 'shutdown');
      }
      pauseMs = Math.min(pauseMs * 2, pauseMaxMs);
    }
  }

  async function mergeOnce(): Promise<MergeOutcome | Extract<MergeVerdict, { kind: 'refused' }>> {
    try {
      run = await deps.merger.start(
        request,
        {
          // Each try as long as any merge: the one that is let in at last needs all of its check.
          timeoutMs: deps.mergeTimeoutMs,
          graceMs: deps.graceMs,
          daemonMarker: deps.daemonMarker,
          secrets: deps.secrets,
        },
        {
          onLog: (line) => log.debug(line.text, { ...ids, stream: line.stream }),
          onWarning: (warning) => log.warn(warning, ids),
          mayStillMerge,
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
    if (verdict.kind === 'failed')
      return { kind: 'merge_failed', error: verdict.error.slice(0, ERROR_CHARS_MAX) };
    return verdict;
  }

  /** The slot is ours until the server says otherwise: asking for it again changes nothing. */
  async function mayStillMerge(): Promise<boolean> {
    try {
      const turn = await ask(0);
      if (turn?.granted === true) return true;
      // It was ours: whoever has it now has the task, too, unless a cancel took it away.
      if (turn !== null) end(turn.cancelRequested ? 'cancelled' : 'lease_lost', deps.graceMs);
    } catch (error) {
      log.warn('The merge slot is no longer ours; nothing is merged', { ...ids, ...describeError(error) });
      end(judgeCallError(error) === 'lost' ? 'lease_lost' : 'shutdown', deps.graceMs);
    }
    return false;
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
