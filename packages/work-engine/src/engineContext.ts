import type { Database } from '@neolith/database';
import type { EventFollower } from './events/eventFollower.js';
import type { LogSignals } from './events/logSignals.js';
import type { Lanes } from './lanes/lanes.js';
import type { Observe } from './observation.js';
import type { HeldAgents } from './store/heldAgents.js';

/** What every operation is given first: where to ask, and on whose behalf. */
export interface EngineContext {
  readonly prisma: Database['prisma'];
  readonly pool: Database['pool'];
  /** A set time, for tests; null: the database's clock decides. */
  readonly now: () => Date | null;
  /** Numbers in [0, 1), for jitter. */
  readonly random: () => number;
  /** Every query carries it; null: all workspaces (server code that is trusted with them). */
  readonly workspaceId: string | null;
  /** Who does it, as events tell. */
  readonly actor: string;
  readonly events: EventFollower;
  readonly logs: LogSignals;
  /** Where claims and endings that wait together become one statement. */
  readonly lanes: Lanes;
  /** Told what was done, for counting. */
  readonly observe: Observe;
  /** The agents that need a permit, as of late. */
  readonly heldAgents: HeldAgents;
  /** Null: the database was given without it, or this is within one. */
  readonly transaction: Database['transaction'] | null;
}
