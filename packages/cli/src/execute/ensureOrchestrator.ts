import type { NeolithClient } from '@neolith/contracts';
import { listOrchestrators, type NormalisedPlan } from '@neolith/daemon';

/** Who does the tasks of people who have named nobody. */
const NAME = 'Local';

/**
 * Whom the tasks of a plan go to that name nobody, by id: the only orchestrator if there is just one, else one called
 * `Local`, made at its first use. Undefined where each task names somebody.
 */
export async function ensureOrchestrator(
  client: NeolithClient,
  plan: NormalisedPlan,
  options: { readonly orchestrator?: string; readonly maxConcurrent: number },
): Promise<string | undefined> {
  if (options.orchestrator !== undefined) return undefined;
  if (plan.tasks.every(({ orchestrator, status }) => orchestrator !== null || status !== 'open'))
    return undefined;
  const known = await listOrchestrators(client);
  const [only] = known;
  const local = known.find(({ name }) => name === NAME);
  const chosen = known.length === 1 ? only : local;
  if (chosen !== undefined) {
    // One that we made ourselves must not hold up more agents than there were at first.
    if (chosen === local && local.maxConcurrentTasks < options.maxConcurrent) {
      await client.updateOrchestrator({
        params: { id: local.id },
        body: { maxConcurrentTasks: options.maxConcurrent },
      });
    }
    return chosen.id;
  }
  const made = await client.createOrchestrator({
    body: {
      name: NAME,
      role: 'Does what is executed at a terminal',
      discipline: 'Engineering',
      maxConcurrentTasks: options.maxConcurrent,
    },
  });
  return made.id;
}
