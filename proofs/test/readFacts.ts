import type { EngineEvent, WorkEngine } from '@neolith/work-engine';

/** Every event, in the order of the stream. */
export async function readHistory(engine: WorkEngine): Promise<EngineEvent[]> {
  const events: EngineEvent[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await engine.readEvents({ cursor, limit: 5_000 });
    if (page.events.length === 0) return events;
    events.push(...page.events);
    cursor = page.cursor;
  }
}

/**
 * The tasks of the backlog and their edges.
 * @param which `open`: those that are to be done yet, for a plan that was finished in part when it was imported;
 * `all`: afterwards, too.
 */
export async function readFacts(
  engine: WorkEngine,
  orchestrators: readonly { id: string; maxConcurrentTasks: number; timeZone: string }[],
  which: 'open' | 'all',
) {
  const tasks = [];
  for (let cursor: string | undefined; ; ) {
    const page = await engine.listTasks({ limit: 500, ...(cursor === undefined ? {} : { cursor }) });
    tasks.push(...page.tasks);
    if (page.nextCursor === null) break;
    cursor = page.nextCursor;
  }
  const open = tasks.filter(({ status }) => which === 'all' || status === 'TODO' || status === 'BLOCKED');
  const doneAlready = new Set(
    tasks.filter(({ status }) => which === 'open' && status === 'DONE').map(({ id }) => id),
  );
  const prerequisitesOf = new Map<string, string[]>();
  for (const task of open) {
    const detail = await engine.getTask(task.id);
    prerequisitesOf.set(
      task.id,
      detail.prerequisites.map(({ id }) => id).filter((id) => !doneAlready.has(id)),
    );
  }
  return { tasks: open, prerequisitesOf, orchestrators };
}
