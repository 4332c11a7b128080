import {
  type Daemon,
  type DaemonRegistration,
  type DaemonState,
  daemonRegistrationSchema,
  formatId,
  type Renewal,
} from '@neolith/contracts';
import type { EngineContext } from '../engineContext.js';
import { newUuid, notFound, uuidOf } from '../ids.js';
import { toEngineError } from '../store/sql.js';
import { tellWorkspace } from '../store/tellWorkspace.js';
import type { TouchedDaemonRow } from '../store/touchDaemons.js';
import { type DaemonRow, upsertDaemon } from '../store/writeDaemon.js';
import { parseWritten } from './parseWritten.js';
import { renewAll } from './renewLease.js';
import { workspaceOf } from './workspace.js';

function toDaemon(row: DaemonRow): Daemon {
  return {
    id: formatId('daemon', row.id),
    workspaceId: formatId('workspace', row.workspace_id),
    name: row.name,
    host: row.host,
    version: row.version,
    state: row.state,
    slots: row.slots,
    agents: row.agents,
    orchestratorIds: row.orchestrator_ids.map((id) => formatId('orchestrator', id)),
    startedAt: row.started_at,
    lastSeenAt: row.last_seen_at,
    lostAt: isLost(row) ? row.lost_at : null,
  };
}

/** One that was heard after it was noted is back. */
function isLost({
  state,
  lost_at,
  last_seen_at,
}: Pick<DaemonRow, 'state' | 'lost_at' | 'last_seen_at'>): boolean {
  return lost_at !== null && lost_at > last_seen_at && state !== 'STOPPED';
}

/**
 * Registers a daemon by its name; the same name again is the same daemon started anew.
 * Errors: INVALID_INPUT, ORCHESTRATOR_NOT_FOUND.
 */
export async function registerDaemon(engine: EngineContext, input: DaemonRegistration): Promise<Daemon> {
  const registration = parseWritten(daemonRegistrationSchema, input, 'The registration');
  const workspaceId = await workspaceOf(engine);
  const orchestratorIds = [...new Set(registration.orchestratorIds.map((id) => uuidOf('orchestrator', id)))];
  try {
    const known = await engine.prisma.orchestrator.findMany({
      where: { id: { in: orchestratorIds }, workspaceId },
      select: { id: true },
    });
    const missing = orchestratorIds.find((id) => !known.some((row) => row.id === id));
    if (missing !== undefined) throw notFound('orchestrator', formatId('orchestrator', missing));
    const row = await upsertDaemon(engine.pool, {
      id: newUuid(),
      workspaceId,
      name: registration.name,
      host: registration.host,
      version: registration.version,
      slots: registration.slots,
      agents: registration.agents,
      orchestratorIds,
      now: engine.now(),
    });
    await tellWorkspace(engine.prisma, {
      workspaceId,
      daemonId: row.id,
      type: 'daemon.registered',
      actor: engine.actor,
      now: engine.now(),
      to: row.state,
    });
    engine.events.poke();
    return toDaemon(row);
  } catch (error) {
    throw toEngineError(error);
  }
}

/**
 * Tells that a daemon lives, and renews the leases of its attempts, all in two round trips however many they are.
 * Errors: DAEMON_NOT_FOUND. An attempt that no longer owns its task is told so in its renewal.
 */
export async function heartbeatDaemon(
  engine: EngineContext,
  daemonId: string,
  beat: { state?: DaemonState | undefined; attemptIds?: readonly string[] | undefined },
): Promise<Renewal[]> {
  try {
    const row = await engine.lanes.touch(
      { workspaceId: engine.workspaceId, now: engine.now() },
      { daemonId: uuidOf('daemon', daemonId), state: beat.state ?? 'ACTIVE' },
    );
    if (row === null) throw notFound('daemon', daemonId);
    await tellOfBeat(engine, row);
    return await renewAll(engine, beat.attemptIds ?? []);
  } catch (error) {
    throw toEngineError(error);
  }
}

/** What a heartbeat changed, which is nothing mostly: it is back, or it has said goodbye. */
async function tellOfBeat(engine: EngineContext, row: TouchedDaemonRow): Promise<void> {
  const told = { workspaceId: row.workspace_id, daemonId: row.id, actor: engine.actor, now: engine.now() };
  const isBack = isLost({ state: row.was, lost_at: row.lost_at, last_seen_at: row.was_seen_at });
  const hasStopped = row.state === 'STOPPED' && row.was !== 'STOPPED';
  if (isBack)
    await tellWorkspace(engine.prisma, {
      ...told,
      type: 'daemon.returned',
      to: row.state,
      data: { lostAt: row.lost_at?.toISOString() ?? null },
    });
  if (hasStopped)
    await tellWorkspace(engine.prisma, { ...told, type: 'daemon.stopped', from: row.was, to: row.state });
  if (isBack || hasStopped) engine.events.poke();
}

/** The daemons of the workspace, by name. */
export async function listDaemons(engine: EngineContext): Promise<Daemon[]> {
  const rows = await engine.prisma.daemon
    .findMany({
      where: engine.workspaceId === null ? {} : { workspaceId: engine.workspaceId },
      orderBy: [{ name: 'asc' }, { id: 'asc' }],
    })
    .catch((error: unknown) => {
      throw toEngineError(error);
    });
  return rows.map((row) =>
    toDaemon({
      ...row,
      workspace_id: row.workspaceId,
      orchestrator_ids: row.orchestratorIds,
      started_at: row.startedAt,
      last_seen_at: row.lastSeenAt,
      lost_at: row.lostAt,
    }),
  );
}
