import type { CompletionOutcome, endpoints } from '@neolith/contracts';
import type { Call } from './http/handle';
import { tellError } from './http/respond';

/**
 * Ends several attempts, each for itself: they are asked for at once, so that the engine ends them in one statement, and
 * one that is refused is told so in its place. Only where none could be asked for at all does the whole call fail.
 */
export async function completeTogether({
  engine,
  input,
  request,
}: Call<typeof endpoints.completeTasks>): Promise<{ results: CompletionOutcome[] }> {
  const { completions } = input.body;
  const endings = await Promise.allSettled(
    completions.map(({ taskId, ...completion }) => engine.completeTask(taskId, completion)),
  );
  const faults = endings.filter((ending) => ending.status === 'rejected').map(({ reason }) => reason);
  const [first] = faults;
  if (faults.length === endings.length && tellError(first, request).problem.status >= 500) throw first;
  return {
    results: completions.map(({ taskId, attemptId }, index) => {
      const ending = endings[index];
      return ending?.status === 'fulfilled'
        ? { taskId, attemptId, settlement: ending.value, problem: null }
        : { taskId, attemptId, settlement: null, problem: tellError(ending?.reason, request).problem };
    }),
  };
}
