import { NeolithError } from '@neolith/contracts';

/** Calls that wait together go to the database together. */
export interface Lane<Call, Answer> {
  submit(call: Call): Promise<Answer>;
}

export interface LaneOptions<Call, Answer> {
  /** At most so many calls in the batch that is about to go; asked each time. At least 1. */
  batchLimit(): number;
  /** Does all calls in one statement, all or none, and answers in their order. */
  run(calls: readonly Call[]): Promise<Answer[]>;
  /** Two calls with the same key don't go in one batch: the second needs to see what the first did. */
  keyOf?(call: Call): string | null;
  /** How many characters a call brings along; a batch ends before it brings too many. Default: none to speak of. */
  sizeOf?(call: Call): number;
  /** Whether an error may be of a single call's making; then each is done by itself, so that none fails for another. */
  mayBeOneCalls(error: unknown): boolean;
  /** Whether the database gave a call up because it waited for too long. Default: it never does. */
  tookTooLong?(error: unknown): boolean;
}

/** So many calls may wait in a lane: more than a process should ever hold, and few enough to be answered in time. */
const WAITING_LIMIT = 20_000;

/**
 * Characters that a batch of more than one call may bring along. A megabyte takes the database a tenth of a second or so,
 * and the small calls of a batch wait for the large ones, within one time limit.
 */
const BATCH_SIZE = 1_000_000;

interface Waiting<Call, Answer> {
  call: Call;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/**
 * A lane with one batch under way at a time. A lone call goes at once, for there is no timer; while a batch is under
 * way the next one gathers. The busier it is the larger the batches: one commit for many calls.
 */
export function createLane<Call, Answer>(options: LaneOptions<Call, Answer>): Lane<Call, Answer> {
  let queue: Waiting<Call, Answer>[] = [];
  let busy = false;

  function nextBatch(): Waiting<Call, Answer>[] {
    const batch: Waiting<Call, Answer>[] = [];
    const later: Waiting<Call, Answer>[] = [];
    const keys = new Set<string>();
    const limit = options.batchLimit();
    let seen = 0;
    let size = 0;
    for (; seen < queue.length && batch.length < limit; seen += 1) {
      const waiting = queue[seen] as Waiting<Call, Answer>;
      size += options.sizeOf?.(waiting.call) ?? 0;
      if (batch.length > 0 && size > BATCH_SIZE) break;
      const key = options.keyOf?.(waiting.call) ?? null;
      if (key !== null && keys.has(key)) later.push(waiting);
      else {
        batch.push(waiting);
        if (key !== null) keys.add(key);
      }
    }
    queue = later.concat(queue.slice(seen));
    return batch;
  }

  async function settle(batch: readonly Waiting<Call, Answer>[]): Promise<void> {
    try {
      const answers = await options.run(batch.map(({ call }) => call));
      batch.forEach((waiting, index) => {
        waiting.resolve(answers[index] as Answer);
      });
    } catch (error) {
      if (batch.length === 1 || !options.mayBeOneCalls(error)) {
        for (const waiting of batch) waiting.reject(error);
        return;
      }
      await settleEach(batch);
    }
  }

  /**
   * Each by itself, until one waits in vain: a lock or an absent database would keep each of the others waiting for as
   * long, and with them all that come after, for an hour where there are hundreds. They fail at once and can be repeated.
   */
  async function settleEach(batch: readonly Waiting<Call, Answer>[]): Promise<void> {
    for (const [index, waiting] of batch.entries()) {
      try {
        const [answer] = await options.run([waiting.call]);
        waiting.resolve(answer as Answer);
      } catch (error) {
        waiting.reject(error);
        if (options.mayBeOneCalls(error) && options.tookTooLong?.(error) !== true) continue;
        for (const { reject } of batch.slice(index + 1)) reject(error);
        return;
      }
    }
  }

  async function drive(): Promise<void> {
    while (queue.length > 0) await settle(nextBatch());
    busy = false;
  }

  return {
    submit(call) {
      if (queue.length >= WAITING_LIMIT) return Promise.reject(overloaded());
      return new Promise<Answer>((resolve, reject) => {
        queue.push({ call, resolve, reject });
        // Not in this turn: whatever else is asked for in it goes along.
        if (!busy) {
          busy = true;
          // `settle` hands every fault to its caller; nothing is left to reject here.
          queueMicrotask(() => void drive());
        }
      });
    },
  };
}

function overloaded(): NeolithError {
  return new NeolithError(
    'OVERLOADED',
    `${WAITING_LIMIT} calls wait for the database already; try again shortly, with fewer at once`,
  );
}
