import type { NeolithClient, RunProgress } from '@neolith/contracts';
import { listTasksOf } from '../connection/listTasksOf.js';
import { plainLine } from '../output/terminal.js';

/** Whether nothing runs and nothing can be handed out until a person has done something. Pure. */
export function waitsForPerson({ status, counts }: Pick<RunProgress, 'status' | 'counts'>): boolean {
  return status === 'RUNNING' && counts.blocked > 0 && counts.todo + counts.inProgress + counts.merging === 0;
}

const TASKS_TOLD_MAX = 5;

/** How each task can be answered that waits for a person, as lines with a command each. */
export async function describeAnswers(client: NeolithClient, runId: string): Promise<string[]> {
  const waiting = (await listTasksOf(client, runId, 'BLOCKED')).filter(
    ({ blockedReason }) => blockedReason !== null,
  );
  return waiting
    .slice(0, TASKS_TOLD_MAX)
    .flatMap(({ id, title, blockedQuestion }) => [
      `  ${plainLine(blockedQuestion ?? title)}`,
      `    neolith answer ${id} 'YOUR ANSWER'`,
    ]);
}
