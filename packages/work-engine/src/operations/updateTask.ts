import { NeolithError, type Task, type TaskPatch, taskPatchSchema } from '@neolith/contracts';
import type { EngineContext } from '../engineContext.js';
import { notFound, uuidOf } from '../ids.js';
import { findOwners } from '../store/insertTasks.js';
import { tellTask } from '../store/moveTask.js';
import { patchTask } from '../store/patchTask.js';
import { changeTask } from './changeTask.js';
import { parseWritten } from './parseWritten.js';

/**
 * Changes a task. Fields that are left out stay. Priority and due date of a running task are recorded and matter if it
 * comes back; its orchestrator can't change while an attempt is live.
 * Errors: TASK_NOT_FOUND, ORCHESTRATOR_NOT_FOUND, CHANNEL_NOT_FOUND, TASK_HAS_ATTEMPT, INVALID_INPUT.
 */
export async function updateTask(engine: EngineContext, taskId: string, input: TaskPatch): Promise<Task> {
  const patch = parseWritten(taskPatchSchema, input, 'The patch');
  const changes = Object.entries(patch).filter(([, value]) => value !== undefined);
  if (changes.length === 0) throw new NeolithError('INVALID_INPUT', 'Name at least one field to change');
  return changeTask(engine, taskId, null, async (client, task, now) => {
    const orchestratorId = patch.orchestratorId == null ? null : uuidOf('orchestrator', patch.orchestratorId);
    const channelId = patch.channelId == null ? null : uuidOf('channel', patch.channelId);
    const running = task.status === 'IN_PROGRESS' || task.status === 'MERGING';
    if (running && patch.orchestratorId !== undefined && orchestratorId !== task.orchestrator_id) {
      throw new NeolithError(
        'TASK_HAS_ATTEMPT',
        `Task ${taskId} has a live attempt; cancel or finish it before reassigning the task`,
        { details: { taskId, status: task.status } },
      );
    }
    const owners = await findOwners(client, {
      orchestratorIds: orchestratorId === null ? [] : [orchestratorId],
      channelIds: channelId === null ? [] : [channelId],
      workspaceId: task.workspace_id,
    });
    if (orchestratorId !== null && owners.orchestrators.length === 0)
      throw notFound('orchestrator', patch.orchestratorId as string);
    if (channelId !== null && owners.channels.length === 0)
      throw notFound('channel', patch.channelId as string);
    const patched = await patchTask(
      client,
      task,
      {
        ...patch,
        ...(patch.orchestratorId === undefined ? {} : { orchestratorId }),
        ...(patch.channelId === undefined ? {} : { channelId }),
      },
      now,
    );
    await tellTask(client, task.id, {
      event: 'task.updated',
      actor: engine.actor,
      now,
      data: { fields: changes.map(([field]) => field) },
    });
    return patched;
  });
}
