import type { EngineEvent } from '@neolith/contracts';
import { expect } from 'vitest';
import { sequenceOf, type WorkEngine } from '../../src/index.js';

/** The whole history, read page by page as a follower would, in the order of causes. */
export async function readHistory(engine: WorkEngine): Promise<EngineEvent[]> {
  const events: EngineEvent[] = [];
  let cursor: string | undefined;
  for (;;) {
    const page = await engine.readEvents({ cursor, limit: 5_000 });
    events.push(...page.events);
    if (page.events.length < 5_000) return events.sort((a, b) => (sequenceOf(a) < sequenceOf(b) ? -1 : 1));
    cursor = page.cursor;
  }
}

/** From the history alone: how many tasks each orchestrator had running at most at any moment. */
export function highestLoad(events: readonly EngineEvent[]): Map<string, number> {
  const running = new Map<string, Set<string>>();
  const highest = new Map<string, number>();
  for (const { type, from, orchestratorId, taskId } of events) {
    if (orchestratorId === null || taskId === null) continue;
    const tasks = running.get(orchestratorId) ?? new Set();
    running.set(orchestratorId, tasks);
    if (type === 'task.claimed') {
      expect(tasks.has(taskId), `${taskId} claimed while it runs`).toBe(false);
      tasks.add(taskId);
    } else if (from === 'IN_PROGRESS') tasks.delete(taskId);
    highest.set(orchestratorId, Math.max(highest.get(orchestratorId) ?? 0, tasks.size));
  }
  return highest;
}

/** Waits until `look` gives something, and fails after a minute. */
export async function until<Value>(look: () => Promise<Value | null | undefined | false>): Promise<Value> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error('Not within a minute');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The code of the error that a call is refused with. */
export async function refusal(call: Promise<unknown>): Promise<{ code: string; message: string }> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Error && 'code' in error)
      return { code: String(error.code), message: error.message };
    throw error;
  }
  throw new Error('It was not refused');
}
