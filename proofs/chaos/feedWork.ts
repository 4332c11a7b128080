import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isNeolithError, type NeolithClient } from '@neolith/contracts';
import type { CountedFaults } from './countedFaults.js';
import { randomTasks } from './randomTasks.js';
import type { Random } from './seededRandom.js';

/** A run as it was acknowledged. */
export interface MadeRun {
  readonly id: string;
  readonly titles: readonly string[];
}

/** What people do meanwhile: they bring work, and look after what waits for them. All of it over the ruined network. */
export interface Feed {
  readonly made: readonly MadeRun[];
  /** What of that had to be done by a person. */
  readonly byHand: CountedFaults;
  /** No new work from now on. */
  stopFeeding(): void;
  /** Rejects where a call is refused. Resolves when all that was made has succeeded. */
  readonly finished: Promise<void>;
}

export interface FeedOptions {
  /** It repeats calls by itself, for longer than any fault lasts. */
  readonly client: NeolithClient;
  readonly random: Random;
  readonly byHand: CountedFaults;
  readonly orchestratorIds: readonly string[];
  readonly signal: AbortSignal;
}

const TASKS_A_RUN = 16;
/** When fewer are left more come: no fault hits an idle system. */
const FEW_LEFT = 14;
const LOOK_EVERY_MS = 700;
const REACH = 5;

export function feedWork(options: FeedOptions): Feed {
  const { client, random, orchestratorIds, byHand, signal } = options;
  const made: MadeRun[] = [];
  const over = new Set<string>();
  let feeding = true;
  let titles = 0;

  async function makeRun(): Promise<void> {
    const tasks = randomTasks(random, TASKS_A_RUN, orchestratorIds, REACH).map((task) => {
      titles += 1;
      const resources = random() < 0.25 ? [random() < 0.5 ? 'port:3000' : 'shared path:src/**'] : [];
      return { ...task, title: `Chaos ${titles}`, resources };
    });
    const { id } = await client.createRun({
      body: {
        name: `Run ${made.length + 1}`,
        config: { mergeStage: true, maxConcurrentTasks: 8, maxConcurrentMerges: 2 },
        tasks,
      },
      idempotencyKey: randomUUID(),
    });
    made.push({ id, titles: tasks.map(({ title }) => title) });
    await client.startRun({ params: { id }, body: {} });
  }

  /** @returns how many of its tasks are not done. */
  async function lookAfter(id: string): Promise<number> {
    const { status, counts } = await client.getRun({ params: { id } });
    if (status === 'SUCCEEDED') over.add(id);
    if (status === 'QUARANTINED')
      await byPerson('run_released', () => client.releaseRun({ params: { id }, body: {} }));
    if (status === 'FAILED')
      await byPerson('run_retried', () => client.retryRun({ params: { id }, body: {} }));
    else if (counts.failed > 0) {
      await byPerson('tasks_redriven', () => client.redriveDeadLetters({ body: { runId: id } }));
    }
    if (counts.blocked > 0 && counts.todo + counts.inProgress + counts.merging === 0) await unblock(id);
    return counts.total - counts.done;
  }

  /** Twice a merge met a conflict: it was handed to a person, who says "go on". */
  async function unblock(runId: string): Promise<void> {
    const { tasks } = await client.listTasks({ query: { runId, status: 'BLOCKED', limit: 100 } });
    for (const { id, blockedReason } of tasks)
      if (blockedReason !== null)
        await byPerson('task_unblocked', () => client.unblockTask({ params: { id }, body: {} }));
  }

  async function byPerson(what: string, act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
      byHand.count(what);
    } catch (error) {
      // It has moved on by itself meanwhile.
      if (!isNeolithError(error) || error.code !== 'INVALID_TRANSITION') throw error;
    }
  }

  async function live(): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      let left = 0;
      for (const { id } of made) if (!over.has(id)) left += await lookAfter(id);
      if (feeding && left < FEW_LEFT) await makeRun();
      if (!feeding && over.size === made.length) return;
      await delay(LOOK_EVERY_MS, undefined, { signal });
    }
  }

  return {
    made,
    byHand,
    stopFeeding() {
      feeding = false;
    },
    finished: live(),
  };
}
