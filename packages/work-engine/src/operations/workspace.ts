import {
  type Channel,
  formatId,
  NeolithError,
  newChannelSchema,
  newWorkspaceSchema,
  type Workspace,
  type WorkspacePatch,
  workspacePatchSchema,
} from '@neolith/contracts';
import type { EngineContext } from '../engineContext.js';
import { newUuid, notFound } from '../ids.js';
import { nameTaken } from '../store/nameTaken.js';
import { toEngineError } from '../store/sql.js';
import { parseWritten } from './parseWritten.js';

interface WorkspaceRow {
  id: string;
  slug: string;
  name: string;
  priorityWeights: number[];
  deadlineBoosts: number[];
  eventRetentionDays: number | null;
  createdAt: Date;
}

function toWorkspace(row: WorkspaceRow): Workspace {
  return { ...row, id: formatId('workspace', row.id) };
}

/** The engine's workspace; without one, the only one there is. Errors: INVALID_INPUT, WORKSPACE_NOT_FOUND. */
export async function workspaceOf(engine: EngineContext): Promise<string> {
  if (engine.workspaceId !== null) {
    const known = await engine.prisma.workspace.count({ where: { id: engine.workspaceId } }).catch(rethrow);
    if (known === 0) throw notFound('workspace', formatId('workspace', engine.workspaceId));
    return engine.workspaceId;
  }
  const rows = await engine.prisma.workspace.findMany({ select: { id: true }, take: 2 }).catch(rethrow);
  if (rows.length === 1) return (rows[0] as { id: string }).id;
  if (rows.length === 0)
    throw new NeolithError('WORKSPACE_NOT_FOUND', 'There is no workspace yet; make one with createWorkspace');
  throw new NeolithError(
    'INVALID_INPUT',
    'There are several workspaces; say which one with engine.as({ workspaceId })',
  );
}

/** Creates a workspace with the default weights and boosts. Errors: INVALID_INPUT, NAME_TAKEN. */
export async function createWorkspace(
  engine: EngineContext,
  input: { slug: string; name: string },
): Promise<Workspace> {
  const workspace = parseWritten(newWorkspaceSchema, input, 'The workspace');
  const row = await engine.prisma.workspace
    .create({ data: { id: newUuid(), slug: workspace.slug, name: workspace.name } })
    .catch((error: unknown) => {
      throw nameTaken(error, 'workspace', workspace.slug) ?? toEngineError(error);
    });
  return toWorkspace(row);
}

/** Errors: WORKSPACE_NOT_FOUND. */
export async function getWorkspace(engine: EngineContext): Promise<Workspace> {
  const id = await workspaceOf(engine);
  const row = await engine.prisma.workspace.findUnique({ where: { id } }).catch(rethrow);
  if (row === null) throw notFound('workspace', formatId('workspace', id));
  return toWorkspace(row);
}

/**
 * Renames the workspace, changes its weights and boosts, by which the next selection goes, or says for how many days its
 * events are kept (null: for ever). Errors: INVALID_INPUT.
 */
export async function updateWorkspace(engine: EngineContext, patch: WorkspacePatch): Promise<Workspace> {
  const changed = parseWritten(workspacePatchSchema, patch, 'The workspace');
  const id = await workspaceOf(engine);
  const data = Object.fromEntries(Object.entries(changed));
  return toWorkspace(await engine.prisma.workspace.update({ where: { id }, data }).catch(rethrow));
}

/** The channels of the workspace, by name. */
export async function listChannels(engine: EngineContext): Promise<Channel[]> {
  const workspaceId = await workspaceOf(engine);
  const rows = await engine.prisma.channel
    .findMany({ where: { workspaceId }, orderBy: { name: 'asc' } })
    .catch(rethrow);
  return rows.map((row) => ({ id: formatId('channel', row.id), name: row.name, purpose: row.purpose }));
}

/** Errors: INVALID_INPUT, NAME_TAKEN. */
export async function createChannel(
  engine: EngineContext,
  input: { name: string; purpose?: string | null | undefined },
): Promise<Channel> {
  const channel = parseWritten(newChannelSchema, input, 'The channel');
  const workspaceId = await workspaceOf(engine);
  const row = await engine.prisma.channel
    .create({ data: { id: newUuid(), workspaceId, name: channel.name, purpose: channel.purpose } })
    .catch((error: unknown) => {
      throw nameTaken(error, 'channel', channel.name) ?? toEngineError(error);
    });
  return { id: formatId('channel', row.id), name: row.name, purpose: row.purpose };
}

function rethrow(error: unknown): never {
  throw toEngineError(error);
}
