import type { NeolithClient } from '@neolith/contracts';
import { listOrchestrators, type NormalisedPlan } from '@neolith/daemon';

/** Who does the tasks of people who have named nobody. */
const NAME = 'Local';

/**
 * Whom the tasks of a plan go to that name nobody: undefined where the plan names somebody for each, or there is just
 * one orchestrator. Else one called `Local`, made at its first use.
 */
export async function ensureOrchestrator(
  client: NeolithClient,
  plan: NormalisedPlan,
  maxConcurrent: number,
): Promise<string | undefined> {
  if (plan.tasks.every(({ orchestrator, status }) => orchestrator !== null || status !== 'open'))
    return undefined;
  const known = await listOrchestrators(client);
  if (known.length === 1) return undefined;
  const local = known.find(({ name }) => name === NAME);
  if (local !== undefined) return local.id;
  const made = await client.createOrchestrator({
    body: {
      name: NAME,
      role: 'Does what is executed at a terminal',
      discipline: 'Engineering',
      maxConcurrentTasks: maxConcurrent,
    },
  });
  return made.id;
}
