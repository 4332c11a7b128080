import {
  type Json,
  type NewOrchestrator,
  newOrchestratorSchema,
  type Orchestrator,
  type OrchestratorDetail,
  type OrchestratorPatch,
  orchestratorPatchSchema,
} from '@neolith/contracts';
import { readCharter, writeCharter } from '../domain/charter.js';
import type { EngineContext } from '../engineContext.js';
import { newUuid, notFound, uuidOf } from '../ids.js';
import { nameTaken } from '../store/nameTaken.js';
import { type OrchestratorRow, toOrchestrator } from '../store/rows.js';
import { toEngineError } from '../store/sql.js';
import { tellWorkspace } from '../store/tellWorkspace.js';
import { parseWritten } from './parseWritten.js';
import { workspaceOf } from './workspace.js';

type Row = OrchestratorRow & { user: { config: unknown } };

function toDetail(row: Row): OrchestratorDetail {
  return {
    ...toOrchestrator(row),
    charter: readCharter(row.user.config as Parameters<typeof readCharter>[0]),
  };
}

/** The orchestrators of the workspace, by name. */
export async function listOrchestrators(engine: EngineContext): Promise<Orchestrator[]> {
  const rows = await engine.prisma.orchestrator
    .findMany({
      where: engine.workspaceId === null ? {} : { workspaceId: engine.workspaceId },
      orderBy: [{ name: 'asc' }, { id: 'asc' }],
    })
    .catch(rethrow);
  return rows.map(toOrchestrator);
}

/** One orchestrator with its charter. Errors: ORCHESTRATOR_NOT_FOUND. */
export async function getOrchestrator(
  engine: EngineContext,
  orchestratorId: string,
): Promise<OrchestratorDetail> {
  return toDetail(await find(engine, orchestratorId));
}

async function find(engine: EngineContext, orchestratorId: string): Promise<Row> {
  const row = await engine.prisma.orchestrator
    .findFirst({
      where: {
        id: uuidOf('orchestrator', orchestratorId),
        ...(engine.workspaceId === null ? {} : { workspaceId: engine.workspaceId }),
      },
      include: { user: { select: { config: true } } },
    })
    .catch(rethrow);
  if (row === null) throw notFound('orchestrator', orchestratorId);
  return row;
}

/** Creates an orchestrator and the user account that holds its charter. Errors: INVALID_INPUT, NAME_TAKEN. */
export async function createOrchestrator(
  engine: EngineContext,
  input: NewOrchestrator,
): Promise<OrchestratorDetail> {
  const { charter, ...fields } = parseWritten(newOrchestratorSchema, input, 'The orchestrator');
  const workspaceId = await workspaceOf(engine);
  const id = newUuid();
  const userId = newUuid();
  const row = await engine.prisma
    .$transaction(async (tx) => {
      await tx.user.create({ data: { id: userId, workspaceId, name: fields.name, config: charter ?? {} } });
      const created = await tx.orchestrator.create({
        data: { ...fields, id, workspaceId, userId },
        include: { user: { select: { config: true } } },
      });
      await tellWorkspace(tx, {
        workspaceId,
        orchestratorId: id,
        type: 'orchestrator.created',
        actor: engine.actor,
        now: engine.now(),
      });
      return created;
    })
    .catch((error: unknown) => {
      throw nameTaken(error, 'orchestrator', fields.name) ?? toEngineError(error);
    });
  engine.events.poke();
  return toDetail(row);
}

/** Changes an orchestrator; fields that are left out stay. Errors: ORCHESTRATOR_NOT_FOUND, INVALID_INPUT, NAME_TAKEN. */
export async function updateOrchestrator(
  engine: EngineContext,
  orchestratorId: string,
  input: OrchestratorPatch,
): Promise<OrchestratorDetail> {
  const patch = parseWritten(orchestratorPatchSchema, input, 'The patch');
  const before = await find(engine, orchestratorId);
  const { charter, ...fields } = patch;
  const row = await engine.prisma
    .$transaction(async (tx) => {
      if (charter !== undefined) {
        const config = writeCharter(before.user.config as Json, charter);
        await tx.user.update({
          where: { id: before.userId },
          data: { config: config as Record<string, never> },
        });
      }
      const updated = await tx.orchestrator.update({
        where: { id: before.id },
        data: Object.fromEntries(Object.entries(fields)),
        include: { user: { select: { config: true } } },
      });
      await tellWorkspace(tx, {
        workspaceId: before.workspaceId,
        orchestratorId: before.id,
        type: 'orchestrator.updated',
        actor: engine.actor,
        now: engine.now(),
        from: before.status,
        to: updated.status,
        data: { fields: Object.keys(patch) },
      });
      return updated;
    })
    .catch((error: unknown) => {
      throw nameTaken(error, 'orchestrator', fields.name ?? '') ?? toEngineError(error);
    });
  engine.events.poke();
  return toDetail(row);
}

function rethrow(error: unknown): never {
  throw toEngineError(error);
}
