import type { Pool } from 'pg';
import { type ClaimCall, type ClaimGroup, type ClaimRow, claimReady } from '../store/claimReady.js';
import { type RenewedRow, type RenewGroup, renewLeases } from '../store/renewLeases.js';
import {
  type AttemptEnding,
  type PreparedEnding,
  prepareEnding,
  type SettleGroup,
  type SettlementRow,
  settleAttempts,
} from '../store/settleAttempts.js';
import { isDatabaseUnavailable, tookTooLong } from '../store/sql.js';
import {
  type DaemonBeat,
  type TouchedDaemonRow,
  type TouchGroup,
  touchDaemons,
} from '../store/touchDaemons.js';
import {
  type ProgressGroup,
  type ProgressReport,
  type ProgressRow,
  writeProgress,
} from '../store/writeProgress.js';
import { createLane, type Lane } from './lane.js';
import { BATCH_LIMIT, createTurns } from './turns.js';

/** Lanes that nobody uses are forgotten; so many of a kind are kept at once, which is far more than are busy. */
const LANES_KEPT = 1_000;

/**
 * The lanes of one database in one process: each kind of call has its own, so that none waits for another; and each
 * orchestrator its own for claims, so that one which is held up holds up nobody else. What calls must have in common to
 * share a statement is their group.
 */
export interface Lanes {
  claim(group: ClaimGroup, call: ClaimCall): Promise<ClaimRow[]>;
  settle(group: SettleGroup, ending: AttemptEnding): Promise<SettlementRow[]>;
  /** Renews the leases of these attempts; a row for each that owns its task. */
  renew(group: RenewGroup, attemptIds: readonly string[]): Promise<RenewedRow[]>;
  /** Tells that a daemon lives; null: there is no such daemon. */
  touch(group: TouchGroup, beat: DaemonBeat): Promise<TouchedDaemonRow | null>;
  /** Null: the attempt doesn't hold the task, or its metadata would be too large. */
  progress(group: ProgressGroup, report: ProgressReport): Promise<ProgressRow | null>;
}

/** A statement that was refused did nothing, and one of its calls may be why; of one that broke off nobody knows. */
const mayBeOneCalls = (error: unknown): boolean =>
  !isDatabaseUnavailable(error) &&
  error instanceof Error &&
  'code' in error &&
  error.code !== 'DATABASE_UNAVAILABLE';

/** @param vitalPool for what keeps leases alive, so that no flood of other calls can keep it waiting; default: the same pool */
export function createLanes(pool: Pool, vitalPool: Pool = pool): Lanes {
  const turns = createTurns();
  const claims = lanesByGroup<ClaimGroup, ClaimCall, ClaimRow[]>((group) => ({
    batchLimit: turns.of('claims'),
    run: (calls) => claimReady(pool, group, calls),
    keyOf: ({ requestId }) => requestId,
  }));
  const endings = lanesByGroup<SettleGroup, PreparedEnding, SettlementRow[]>((group) => ({
    batchLimit: turns.of('endings'),
    run: (calls) => settleAttempts(pool, group, calls),
    keyOf: ({ taskId }) => taskId,
    sizeOf: ({ details }) => details?.length ?? 0,
  }));
  const renewals = lanesByGroup<RenewGroup, readonly string[], RenewedRow[]>((group) => ({
    batchLimit: () => BATCH_LIMIT,
    run: (calls) => renewLeases(vitalPool, group, calls),
  }));
  const beats = lanesByGroup<TouchGroup, DaemonBeat, TouchedDaemonRow | null>((group) => ({
    batchLimit: () => BATCH_LIMIT,
    run: (calls) => touchDaemons(vitalPool, group, calls),
    keyOf: ({ daemonId }) => daemonId,
  }));
  const reports = lanesByGroup<ProgressGroup, ProgressReport, ProgressRow | null>((group) => ({
    batchLimit: () => BATCH_LIMIT,
    run: (calls) => writeProgress(pool, group, calls),
    keyOf: ({ taskId }) => taskId,
  }));
  return {
    claim: (group, call) => turns.count(claims(group).submit(call)),
    settle: (group, ending) => turns.count(endings(group).submit(prepareEnding(ending))),
    renew: (group, attemptIds) => renewals(group).submit(attemptIds),
    touch: (group, beat) => beats(group).submit(beat),
    progress: (group, report) => reports(group).submit(report),
  };
}

interface LaneOf<Call, Answer> {
  batchLimit(): number;
  run(calls: readonly Call[]): Promise<Answer[]>;
  keyOf?(call: Call): string | null;
  sizeOf?(call: Call): number;
}

function lanesByGroup<Group, Call, Answer>(
  describe: (group: Group) => LaneOf<Call, Answer>,
): (group: Group) => Lane<Call, Answer> {
  const lanes = new Map<string, Lane<Call, Answer>>();
  return (group) => {
    const key = JSON.stringify(group);
    const known = lanes.get(key);
    if (known !== undefined) {
      lanes.delete(key);
      lanes.set(key, known);
      return known;
    }
    // That which was used longest ago goes first; a lane that is still at work ends its work without being in the map.
    if (lanes.size >= LANES_KEPT) lanes.delete(lanes.keys().next().value as string);
    const made = createLane<Call, Answer>({ ...describe(group), mayBeOneCalls, tookTooLong });
    lanes.set(key, made);
    return made;
  };
}
