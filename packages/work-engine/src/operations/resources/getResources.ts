import type { ResourceBoard } from '@neolith/contracts';
import { boardResources } from '../../domain/resources/boardResources.js';
import type { EngineContext } from '../../engineContext.js';
import { readNow } from '../../store/lockTask.js';
import { readResources } from '../../store/readResources.js';
import { readDeadlocks } from '../../store/resourceDeadlocks.js';
import { readConsistently, toEngineError } from '../../store/sql.js';
import { listResourceWorkspaces } from '../../store/sweepResources.js';

/**
 * Who holds which resource since when, and who waits for whom: attempts that asked for more, and tasks that the sweep found
 * waiting to begin; and the last circles of them that were broken. Of the engine's workspace, or of all of them.
 */
export async function getResources(engine: EngineContext): Promise<ResourceBoard> {
  try {
    return await readConsistently(engine.pool, async (client) => {
      const now = await readNow(client, engine.now());
      const workspaces =
        engine.workspaceId === null ? await listResourceWorkspaces(client, null) : [engine.workspaceId];
      const board: ResourceBoard = { at: now, holds: [], waits: [], deadlocks: [] };
      for (const workspaceId of workspaces) {
        const { holds, waits } = await readResources(client, workspaceId, now);
        const part = boardResources(now, holds, waits);
        board.holds.push(...part.holds);
        board.waits.push(...part.waits);
        board.deadlocks.push(...(await readDeadlocks(client, workspaceId)));
      }
      return board;
    });
  } catch (error) {
    throw toEngineError(error);
  }
}
