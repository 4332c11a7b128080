import {
  type Breaker,
  breakerMetricsOf,
  type ForceBreaker,
  forceBreakerSchema,
  formatId,
  NeolithError,
  type Permit,
  type PermitRequest,
  permitRequestSchema,
  type ReleaseBreaker,
  releaseBreakerSchema,
  UNKNOWN_PROVIDER,
} from '@neolith/contracts';
import type { PoolClient } from 'pg';
import {
  type BreakerDecision,
  type BreakerFact,
  DEFAULT_BREAKER_POLICY,
  decideBreaker,
} from '../domain/breaker.js';
import { judgeProbe } from '../domain/judgeProbe.js';
import type { EngineContext } from '../engineContext.js';
import { notFound, uuidOf } from '../ids.js';
import {
  type BreakerKey,
  type BreakerRow,
  countFaults,
  type EndedAttemptRow,
  findBreaker,
  findEndedAttempt,
  findLease,
  letHeldTasksGo,
  listBreakerRows,
  listClosedThatHold,
  lockBreaker,
  tellBreaker,
  toBreaker,
  toBreakerState,
  writeBreaker,
} from '../store/breakers.js';
import { readNow } from '../store/lockTask.js';
import { toEngineError, transact } from '../store/sql.js';
import type { FaultIsolation } from './isolateFaults.js';
import { parseWritten } from './parseWritten.js';
import { workspaceOf } from './workspace.js';

/** While a probe is out: by when it may be known how it went. Seconds, and as many more by chance. */
const ASK_AGAIN_SECONDS = 15;
/** Where a person holds it open for good: how often a task comes by to see. Seconds. */
const HELD_SECONDS = 300;
/**
 * An attempt that has worked for so long has shown that its agent and provider work; the others needn't wait for its end. Longer
 * than a daemon lets an agent be silent: one that hangs on a provider that doesn't answer has been ended by then.
 */
const PROBE_SECONDS = 1_200;
const REASON_CHARS_MAX = 500;
const PROBES_MAX = 3;

/** The breakers that have ever opened or been forced, by agent and provider. */
export async function listBreakers(engine: EngineContext): Promise<Breaker[]> {
  const rows = await listBreakerRows(engine.pool, engine.workspaceId, { onlyNotClosed: false }).catch(
    (error: unknown) => {
      throw toEngineError(error);
    },
  );
  return rows.map(toBreaker);
}

/**
 * Whether an attempt may use an agent now. Where its breaker is half-open, one attempt of the whole fleet may: it holds
 * that place as long as it owns its task. Errors: ATTEMPT_NOT_FOUND, LEASE_LOST, INVALID_INPUT.
 */
export async function requestPermit(engine: EngineContext, request: PermitRequest): Promise<Permit> {
  const { agent, provider, attemptId } = parseWritten(permitRequestSchema, request, 'The request');
  const uuid = uuidOf('attempt', attemptId);
  const workspaceId = await workspaceOf(engine);
  const key = { workspaceId, agent, provider };
  const granted = await transact(engine.pool, async (client) => {
    if ((await findLease(client, uuid, workspaceId)) === null) {
      if ((await findEndedAttempt(client, uuid, workspaceId)) === null) throw notFound('attempt', attemptId);
      throw new NeolithError(
        'LEASE_LOST',
        `Attempt ${attemptId.slice(0, 100)} no longer owns its task; end its work`,
        { details: { attemptId } },
      );
    }
    const row = await lockBreaker(client, key, { make: false });
    if (row === null) return null;
    const now = await readNow(client, engine.now());
    const settled = await settleProbe(engine, client, row, now);
    const decision = await apply(engine, client, settled, { kind: 'permit', attemptId: uuid }, now, uuid);
    return { decision, now, was: row };
  });
  if (granted === null) return { granted: true, probe: false, status: 'closed', reason: null, retryAt: null };
  const { decision, now, was } = granted;
  const { state, grant } = decision;
  if (state.status !== was.status)
    await afterChange(engine, { ...was, status: state.status, changed_at: now });
  const isGranted = grant === 'free' || grant === 'probe';
  return {
    granted: isGranted,
    probe: grant === 'probe',
    status: state.status,
    reason: state.reason,
    retryAt: isGranted ? null : askAgainAt(decision, now, engine.random),
  };
}

function askAgainAt({ state }: BreakerDecision, now: Date, random: () => number): Date {
  if (state.openUntil !== null) return state.openUntil;
  const seconds = state.status === 'half_open' ? ASK_AGAIN_SECONDS : HELD_SECONDS;
  // Spread, or everybody whom one probe kept waiting would come at the same moment.
  return new Date(now.getTime() + seconds * (1 + random()) * 1_000);
}

/** Holds a breaker open or closed, whatever happens, until it is released or its time is over. Errors: INVALID_INPUT. */
export async function forceBreaker(engine: EngineContext, input: ForceBreaker): Promise<Breaker> {
  const { to, reason, until, agent, provider } = parseWritten(forceBreakerSchema, input, 'The request');
  if (to === 'closed' && until !== undefined)
    throw new NeolithError(
      'INVALID_INPUT',
      'A breaker is held closed until it is released; leave `until` out',
    );
  const fact = { kind: 'force', to, reason: reason ?? null, until: until ?? null } as const;
  return changeBreaker(engine, { agent, provider }, fact, { make: true });
}

/**
 * Lets a breaker move by itself again. One that is open is half-open then, and the next attempt shows how it goes on.
 * Errors: BREAKER_NOT_FOUND.
 */
export async function releaseBreaker(engine: EngineContext, input: ReleaseBreaker): Promise<Breaker> {
  const { agent, provider, reason } = parseWritten(releaseBreakerSchema, input, 'The request');
  return changeBreaker(
    engine,
    { agent, provider },
    { kind: 'release', reason: reason ?? 'Released' },
    { make: false },
  );
}

async function changeBreaker(
  engine: EngineContext,
  named: { agent: string; provider: string },
  fact: BreakerFact,
  options: { make: boolean },
): Promise<Breaker> {
  const key = { workspaceId: await workspaceOf(engine), ...named };
  const row = await transact(engine.pool, async (client) => {
    const locked = await lockBreaker(client, key, options);
    if (locked === null) {
      throw new NeolithError(
        'BREAKER_NOT_FOUND',
        `Nothing is known of a breaker of ${key.agent} with ${key.provider}; list the breakers to see those that there are`,
      );
    }
    const now = await readNow(client, engine.now());
    const { event } = await apply(engine, client, locked, fact, now, null);
    return event === null ? locked : ((await findBreaker(client, key)) as BreakerRow);
  });
  await afterChange(engine, row);
  return toBreaker(row);
}

/**
 * Told of an attempt that was reported as failed, or as having been let through to see: counts what the attempts of late
 * say and moves the breaker. Told twice it does nothing more. A failure of the task itself is nobody's here.
 */
export async function noteAttemptEnd(engine: EngineContext, attemptId: string): Promise<void> {
  const attempt = await findEndedAttempt(engine.pool, attemptId, engine.workspaceId);
  if (attempt === null) return;
  const told = breakerMetricsOf(attempt.metrics);
  const agent = told.agent ?? attempt.agent;
  const verdict = judgeProbe(attempt);
  if (agent === null || (verdict !== 'fault' && !told.probe)) return;
  const key = {
    workspaceId: attempt.workspace_id,
    agent,
    provider: told.provider ?? UNKNOWN_PROVIDER,
  };
  const changed = await transact(engine.pool, async (client) => {
    const row = await lockBreaker(client, key, { make: verdict === 'fault' });
    if (row === null) return null;
    const now = await readNow(client, engine.now());
    const fact = await factOf(client, row, attempt, now);
    const { event } = await apply(engine, client, row, fact, now, attempt.id);
    return event === null ? null : ((await findBreaker(client, key)) as BreakerRow);
  });
  if (changed !== null) await afterChange(engine, changed);
}

/**
 * Looks at every breaker that isn't closed: one whose time is over is half-open, and a probe that ended without telling,
 * because it was lost or its server died, has shown what it has shown, as has one that has worked for minutes. Lets tasks go that
 * are held by one that is closed. Returns how many changed.
 */
export async function reviewBreakers(engine: EngineContext, isolation: FaultIsolation): Promise<number> {
  const step = 'breakers';
  const listed = await isolation.one({ step }, () =>
    listBreakerRows(engine.pool, engine.workspaceId, { onlyNotClosed: true }),
  );
  let changes = 0;
  for (const row of listed ?? []) {
    if ((await isolation.one({ step }, () => reviewBreaker(engine, keyOf(row)))) === true) changes += 1;
  }
  const holding = await isolation.one({ step }, () => listClosedThatHold(engine.pool, engine.workspaceId));
  for (const row of holding ?? []) {
    const now = await isolation.one({ step }, () =>
      transact(engine.pool, (client) => readNow(client, engine.now())),
    );
    if (now !== undefined) await isolation.one({ step }, () => letHeldTasksGo(engine.pool, keyOf(row), now));
  }
  return changes;
}

/** True: it changed. */
async function reviewBreaker(engine: EngineContext, key: BreakerKey): Promise<boolean> {
  const after = await transact(engine.pool, async (client) => {
    const row = await lockBreaker(client, key, { make: false });
    if (row === null) return null;
    const now = await readNow(client, engine.now());
    const settled = await settleProbe(engine, client, row, now);
    const { event } = await apply(engine, client, settled, { kind: 'look' }, now, null);
    return event === null && settled.status === row.status ? null : await findBreaker(client, key);
  });
  if (after === null) return false;
  await afterChange(engine, after);
  return true;
}

/** Who holds the probe's place may have ended without a word: then that counts first. Returns the breaker as it is then. */
async function settleProbe(
  engine: EngineContext,
  client: PoolClient,
  row: BreakerRow,
  now: Date,
): Promise<BreakerRow> {
  const probe = row.probe_attempt_id;
  if (probe === null) return row;
  const lease = await findLease(client, probe, row.workspace_id);
  // From when it was let through, at least: who had waited for its turn before that has shown nothing yet.
  const workingFrom = Math.max(lease?.claimed_at.getTime() ?? 0, row.changed_at.getTime());
  if (lease !== null && !lease.merging && now.getTime() - workingFrom < PROBE_SECONDS * 1_000) return row;
  const attempt = lease === null ? await findEndedAttempt(client, probe, row.workspace_id) : null;
  const fact: BreakerFact =
    lease !== null
      ? { kind: 'good', attemptId: probe }
      : attempt === null
        ? { kind: 'gone', attemptId: probe }
        : await factOf(client, row, attempt, now);
  await apply(engine, client, row, fact, now, probe);
  return (await findBreaker(client, keyOf(row))) as BreakerRow;
}

async function factOf(
  client: PoolClient,
  row: BreakerRow,
  attempt: EndedAttemptRow,
  now: Date,
): Promise<BreakerFact> {
  const verdict = judgeProbe(attempt);
  if (verdict !== 'fault') return { kind: verdict, attemptId: attempt.id };
  // Told again, or late: it ended before the breaker came to stand as it does.
  if (attempt.ended_at <= row.changed_at && row.probe_attempt_id !== attempt.id)
    return { kind: 'gone', attemptId: attempt.id };
  // What the attempts said before it last changed was heard then.
  const counts = await countFaults(client, keyOf(row), {
    since: row.changed_at,
    now,
    policy: DEFAULT_BREAKER_POLICY,
    unknownProvider: UNKNOWN_PROVIDER,
  });
  const why = (attempt.error ?? 'it failed without a word').slice(0, REASON_CHARS_MAX).toWellFormed();
  return {
    kind: 'fault',
    attemptId: attempt.id,
    why,
    resetAt: resetTimeOf(attempt),
    counts,
  };
}

function resetTimeOf(attempt: EndedAttemptRow): Date | null {
  const { resetAt, resetInSeconds } = breakerMetricsOf(attempt.metrics);
  return resetInSeconds === null ? resetAt : new Date(attempt.ended_at.getTime() + resetInSeconds * 1_000);
}

/** Decides, writes what differs, and tells it. */
async function apply(
  engine: EngineContext,
  client: PoolClient,
  row: BreakerRow,
  fact: BreakerFact,
  now: Date,
  attemptId: string | null,
): Promise<BreakerDecision> {
  const before = toBreakerState(row);
  const decision = decideBreaker(before, fact, now);
  const { state, event } = decision;
  if (state === before) return decision;
  const key = keyOf(row);
  await writeBreaker(client, key, state);
  if (event !== null) {
    await tellBreaker(client, {
      workspaceId: key.workspaceId,
      attemptId,
      at: now,
      type: event,
      actor: fact.kind === 'force' || fact.kind === 'release' ? engine.actor : 'engine',
      from: before.status,
      to: state.status,
      data: {
        agent: key.agent,
        provider: key.provider,
        ...(state.reason === null ? {} : { reason: state.reason }),
        ...(state.openUntil === null ? {} : { openUntil: state.openUntil.toISOString() }),
        ...(state.forced === null ? {} : { forced: true }),
        ...(state.trips === 0 ? {} : { trips: state.trips }),
        ...(state.probeAttemptId === null ? {} : { probe: formatId('attempt', state.probeAttemptId) }),
      },
    });
  }
  return decision;
}

async function afterChange(engine: EngineContext, row: BreakerRow): Promise<void> {
  engine.heldAgents.forget();
  // Of those that wait for one that is half-open, some: one is the probe, and it may have waited for hours.
  if (row.status !== 'open')
    await letHeldTasksGo(
      engine.pool,
      keyOf(row),
      row.changed_at,
      row.status === 'closed' ? undefined : PROBES_MAX,
    );
  engine.events.poke();
}

function keyOf(row: BreakerRow): BreakerKey {
  return { workspaceId: row.workspace_id, agent: row.agent, provider: row.provider };
}
