import type { NeolithClient, Task } from '@neolith/contracts';

/** All tasks of a run that have a status. */
export async function listTasksOf(
  client: Pick<NeolithClient, 'listTasks'>,
  runId: string,
  status: Task['status'],
): Promise<Task[]> {
  const tasks: Task[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<NeolithClient['listTasks']>> = await client.listTasks({
      query: { runId, status, limit: 500, ...(cursor === null ? {} : { cursor }) },
    });
    tasks.push(...page.tasks);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return tasks;
}
