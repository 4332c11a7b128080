import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { ClaimWithContext, Criteria, HeldAgent, NeolithClient } from '@neolith/contracts';
import { callUntilAnswered } from './callUntilAnswered.js';
import { describeError } from './judgeCallError.js';
import type { WorkerLog } from './log.js';
import { type PlannedPoll, type PollState, planPolls } from './planPolls.js';
import { withOwnSignal } from './withOwnSignal.js';

export interface ClaimPumpOptions {
  readonly client: Pick<NeolithClient, 'claimTasks'>;
  readonly daemonId: () => string;
  readonly agent: string;
  readonly slots: number;
  readonly leaseSeconds: number;
  readonly waitSeconds: number;
  /** How many slots are taken now. */
  readonly taken: () => number;
  /** Which tasks to ask for; left out: all. */
  readonly criteria?: Criteria | undefined;
  readonly onClaim: (claim: ClaimWithContext) => void;
  /** Told with every answer that brings work, before its claims: which agents need a permit. */
  readonly onHeldAgents: (agents: readonly HeldAgent[]) => void;
  /** Told when a claim was refused, not when the server was away. */
  readonly onRefused: (orchestratorId: string, error: unknown) => void;
  readonly log: WorkerLog;
  readonly random: () => number;
}

export interface ClaimPump {
  /** Replaces whom to ask, at once; of those that stay nothing else is forgotten. */
  serve(orchestratorIds: readonly string[]): void;
  /** Asks for work where there is room: call it when a slot became free. */
  pump(): void;
  /** Asks one of them for nothing for so long. */
  pause(orchestratorId: string, ms: number): void;
  /** Stops asking and breaks off what waits. Resolves with those whose answer was not waited for. */
  stop(): Promise<string[]>;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** An orchestrator whose answer came too soon, or was a refusal, is left alone for this long. */
const PAUSE_MS = 1_000;
const REFUSED_PAUSE_MS = 15_000;
/** How long the answer of a claim may take, its wait apart. */
const ANSWER_MS = 8_000;
/** A long poll that found nothing and yet came back sooner than this was broken off by the server. */
const BROKEN_OFF_MS = 500;

/** Keeps claims going so that free slots find work: see `planPolls` for who is asked when. */
export function createClaimPump(options: ClaimPumpOptions): ClaimPump {
  const { log } = options;
  const states = new Map<string, Mutable<PollState>>();
  const underWay = new Map<Promise<void>, string>();
  const stopping = new AbortController();
  // Each orchestrator has a loop that listens, and there may be hundreds.
  setMaxListeners(0, stopping.signal);
  let reserved = 0;
  let timer: NodeJS.Timeout | undefined;

  function pump(): void {
    clearTimeout(timer);
    if (stopping.signal.aborted) return;
    const nowMs = performance.now();
    const polls = planPolls({
      nowMs,
      slots: options.slots,
      taken: options.taken() + reserved,
      orchestrators: [...states.values()],
      waitSecondsMax: options.waitSeconds,
    });
    for (const poll of polls) begin(poll);
    const next = Math.min(
      ...[...states.values()]
        .filter((one) => !one.polling && one.notBeforeMs > nowMs)
        .map((one) => one.notBeforeMs),
    );
    if (Number.isFinite(next)) timer = setTimeout(pump, Math.max(10, next - nowMs));
  }

  function begin(plan: PlannedPoll): void {
    const state = states.get(plan.orchestratorId);
    if (state === undefined) return;
    state.polling = true;
    state.lastPolledMs = performance.now();
    reserved += plan.max;
    const poll = ask(plan, state).finally(() => {
      underWay.delete(poll);
      state.polling = false;
      reserved -= plan.max;
      pump();
    });
    underWay.set(poll, plan.orchestratorId);
  }

  async function ask(plan: PlannedPoll, state: Mutable<PollState>): Promise<void> {
    const { orchestratorId, max, waitSeconds } = plan;
    // One for all tries: an answer that got lost on its way brings the same tasks again.
    const requestId = randomUUID();
    const askedMs = performance.now();
    try {
      const { claims, reason, heldAgents } = await callUntilAnswered(
        () =>
          withOwnSignal(stopping.signal, (signal) =>
            options.client.claimTasks({
              params: { id: orchestratorId },
              body: {
                daemonId: options.daemonId(),
                agent: options.agent,
                requestId,
                max,
                leaseSeconds: options.leaseSeconds,
                waitSeconds,
                ...(options.criteria === undefined ? {} : { criteria: options.criteria }),
              },
              signal,
              // On top of the wait, which the client adds. A claim that was granted and got lost on a dead connection
              // must be asked for again before its lease is over.
              timeoutMs: ANSWER_MS,
            }),
          ),
        {
          signal: stopping.signal,
          random: options.random,
          onRetry: (error, failures, delayMs) =>
            log[failures <= 1 ? 'warn' : 'debug']('A claim got no answer; asking again', {
              orchestratorId,
              requestId,
              failures,
              delayMs,
              ...describeError(error),
            }),
        },
      );
      const wasEager = state.eager;
      state.eager = claims.length >= max;
      if (claims.length === 0) {
        log.debug('No work', { orchestratorId, reason });
        const tookMs = performance.now() - askedMs;
        if (waitSeconds === 0 ? !wasEager : tookMs < BROKEN_OFF_MS)
          state.notBeforeMs = performance.now() + PAUSE_MS;
      }
      if (claims.length > 0) options.onHeldAgents(heldAgents ?? []);
      for (const claim of claims) options.onClaim(claim);
    } catch (error) {
      if (stopping.signal.aborted) return;
      state.eager = false;
      state.notBeforeMs = performance.now() + REFUSED_PAUSE_MS;
      options.onRefused(orchestratorId, error);
    }
  }

  return {
    serve(orchestratorIds) {
      for (const id of states.keys()) if (!orchestratorIds.includes(id)) states.delete(id);
      for (const orchestratorId of orchestratorIds) {
        const known = states.get(orchestratorId);
        if (known !== undefined) {
          // What it was refused, it was refused under what we were before.
          known.notBeforeMs = 0;
          continue;
        }
        states.set(orchestratorId, {
          orchestratorId,
          polling: false,
          eager: true,
          notBeforeMs: 0,
          lastPolledMs: 0,
        });
      }
      pump();
    },
    pump,
    pause(orchestratorId, ms) {
      const state = states.get(orchestratorId);
      if (state !== undefined) state.notBeforeMs = Math.max(state.notBeforeMs, performance.now() + ms);
    },
    async stop() {
      clearTimeout(timer);
      const unanswered = [...new Set(underWay.values())];
      stopping.abort(new Error('The daemon stops claiming.'));
      await Promise.all(underWay.keys());
      return unanswered;
    },
  };
}
