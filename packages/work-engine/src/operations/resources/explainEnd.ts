import { NeolithError } from '@neolith/contracts';
import type { EngineContext } from '../../engineContext.js';
import { gaveWayIn } from '../../store/writeResources.js';

/** Why an attempt that asks for resources, or gives up asking, gets no answer: it gave way in a deadlock, or is over. */
export async function explainEnd(
  engine: EngineContext,
  attempt: { uuid: string; attemptId: string; taskUuid: string },
): Promise<NeolithError> {
  const { attemptId } = attempt;
  const deadlock = await gaveWayIn(engine.pool, attempt.taskUuid, attempt.uuid);
  if (deadlock === null) {
    return new NeolithError('LEASE_LOST', `Attempt ${attemptId} no longer owns its task; end its work`, {
      details: { attemptId },
    });
  }
  const names = deadlock.cycle.map(({ title }) => `"${title}"`);
  return new NeolithError(
    'RESOURCE_DEADLOCK',
    `Attempt ${attemptId} gave way: tasks waited for one another's resources in a circle (${[...names, names[0]].join(' → ')}), and its task has the lowest score. End its work, leave it where it is, and release the attempt; the next one gets all resources at once`,
    { details: { attemptId, cycle: deadlock.cycle } },
  );
}
