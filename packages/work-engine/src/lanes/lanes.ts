import type { Pool } from 'pg';
import { type ClaimCall, type ClaimGroup, type ClaimRow, claimReady } from '../store/claimReady.js';
import {
  type AttemptEnding,
  type SettleGroup,
  type SettlementRow,
  settleAttempts,
} from '../store/settleAttempts.js';
import { isDatabaseUnavailable } from '../store/sql.js';
import { createLane, type Lane } from './lane.js';
import { createTurns } from './turns.js';

/** Lanes that nobody uses are forgotten; so many are kept at once, which is far more than are busy. */
const LANES_KEPT = 1_000;

/**
 * The lanes of one database in one process: claims and endings each have their own, so that neither waits for the
 * other; and each orchestrator its own for claims, so that one which is held up holds up nobody else.
 */
export interface Lanes {
  claim(group: ClaimGroup, call: ClaimCall): Promise<ClaimRow[]>;
  settle(group: SettleGroup, ending: AttemptEnding): Promise<SettlementRow[]>;
}

/** A statement that was refused did nothing, and one of its calls may be why; of one that broke off nobody knows. */
const mayBeOneCalls = (error: unknown): boolean =>
  !isDatabaseUnavailable(error) &&
  error instanceof Error &&
  'code' in error &&
  error.code !== 'DATABASE_UNAVAILABLE';

export function createLanes(pool: Pool): Lanes {
  const claims = new Map<string, Lane<ClaimCall, ClaimRow[]>>();
  const endings = new Map<string, Lane<AttemptEnding, SettlementRow[]>>();
  const turns = createTurns();
  return {
    claim: (group, call) =>
      turns.count(
        laneOf(claims, group, () =>
          createLane<ClaimCall, ClaimRow[]>({
            batchLimit: turns.of('claims'),
            run: (calls) => claimReady(pool, group, calls),
            keyOf: ({ requestId }) => requestId,
            mayBeOneCalls,
          }),
        ).submit(call),
      ),
    settle: (group, ending) =>
      turns.count(
        laneOf(endings, group, () =>
          createLane<AttemptEnding, SettlementRow[]>({
            batchLimit: turns.of('endings'),
            run: (calls) => settleAttempts(pool, group, calls),
            keyOf: ({ taskId }) => taskId,
            mayBeOneCalls,
          }),
        ).submit(ending),
      ),
  };
}

function laneOf<Group, LaneType>(
  lanes: Map<string, LaneType>,
  group: Group,
  create: () => LaneType,
): LaneType {
  const key = JSON.stringify(group);
  const known = lanes.get(key);
  if (known !== undefined) return known;
  // The oldest goes first; a lane that is still at work ends its work without being in the map.
  if (lanes.size >= LANES_KEPT) lanes.delete(lanes.keys().next().value as string);
  const made = create();
  lanes.set(key, made);
  return made;
}
