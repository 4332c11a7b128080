import {
  type Criteria,
  formatId,
  type RankedTask,
  type SelectionExplanation,
  type WhyNot,
} from '@neolith/contracts';
import { describeObstacles } from '../domain/resources/boardResources.js';
import { deadlineBand } from '../domain/score.js';
import { explainTask } from '../domain/whyNot.js';
import type { EngineContext } from '../engineContext.js';
import { notFound, uuidOf } from '../ids.js';
import { countAhead, readMoment } from '../store/countAhead.js';
import { findTask } from '../store/findTask.js';
import { toReadyCriteria } from '../store/readyCriteria.js';
import { readRunGate } from '../store/runGate.js';
import { toEngineError } from '../store/sql.js';
import { waitsFor } from '../store/waitsFor.js';
import { getOrchestrator } from './orchestrators.js';
import { obstaclesOf } from './resources/obstaclesOf.js';
import { rankTasks } from './selectNextTask.js';

/**
 * Why the next task is the next one; and of any other task of the workspace, why it is not: every reason that holds,
 * and how many claimable tasks come before it.
 * Errors: ORCHESTRATOR_NOT_FOUND, TASK_NOT_FOUND, INVALID_INPUT.
 */
export async function explainSelection(
  engine: EngineContext,
  orchestratorId: string,
  taskId?: string,
  criteria: Criteria = {},
): Promise<SelectionExplanation> {
  const orchestrator = await getOrchestrator(engine, orchestratorId);
  const uuid = uuidOf('orchestrator', orchestratorId);
  const { ranking, reason } = await rankTasks(engine, orchestratorId, { ...criteria, limit: 1 });
  const facts = await readMoment(engine.pool, uuid, engine.now()).catch((error: unknown) => {
    throw toEngineError(error);
  });
  const first = ranking[0] ?? null;
  const obstacle = reason === 'NOTHING_ELIGIBLE' ? null : reason;
  const selected = obstacle === null ? first : null;
  return {
    orchestratorId: orchestrator.id,
    at: facts.now.toISOString(),
    runningTasks: facts.running,
    maxConcurrentTasks: orchestrator.maxConcurrentTasks,
    selected,
    because: because(orchestrator, selected, obstacle, facts),
    asked:
      taskId === undefined
        ? null
        : await explainAsked(engine, { taskId, uuid, obstacle, criteria, now: facts.now }).catch(
            (error: unknown) => {
              throw toEngineError(error);
            },
          ),
  };
}

function because(
  orchestrator: { name: string; status: string; maxConcurrentTasks: number; timeZone: string },
  selected: RankedTask | null,
  obstacle: 'ORCHESTRATOR_NOT_AVAILABLE' | 'AT_CAPACITY' | null,
  facts: { now: Date; running: number },
): string {
  if (obstacle === 'ORCHESTRATOR_NOT_AVAILABLE')
    return `${orchestrator.name} is ${orchestrator.status}; only ONLINE and BUSY ones are given work`;
  if (obstacle === 'AT_CAPACITY')
    return `${orchestrator.name} is at its limit: ${facts.running} of ${orchestrator.maxConcurrentTasks} task(s) running`;
  if (selected === null) return `${orchestrator.name} has no eligible task`;
  const { task, weight, boost, score } = selected;
  return `"${task.title}" has the highest score: ${task.priority} ${weight} × ${deadlineBand(task.dueAt, facts.now, orchestrator.timeZone)} ${boost} = ${score}; ties go to the earlier due date, then the older task`;
}

async function explainAsked(
  engine: EngineContext,
  asked: {
    taskId: string;
    uuid: string;
    obstacle: WhyNot['code'] | null;
    criteria: Criteria;
    now: Date;
  },
): Promise<NonNullable<SelectionExplanation['asked']>> {
  const task = await findTask(engine.pool, uuidOf('task', asked.taskId), engine.workspaceId);
  if (task === null) throw notFound('task', asked.taskId);
  const waiting = task.status === 'BLOCKED' ? await waitsFor(engine.pool, task.id) : [];
  const standing = await countAhead(engine.pool, {
    orchestratorId: asked.uuid,
    taskId: task.id,
    now: asked.now,
    criteria: toReadyCriteria(asked.criteria),
  });
  const gate = await readRunGate(engine.pool, task.id, asked.now);
  const whyNot = explainTask({
    task,
    orchestratorId: asked.uuid,
    waitsFor: waiting.map((other) => ({ ...other, id: formatId('task', other.id) })),
    now: asked.now,
    excluded: standing === null && task.status === 'TODO' && task.orchestrator_id === asked.uuid,
    obstacle: asked.obstacle,
    run: gate === null ? null : { ...gate, waveIsOpen: !gate.isHeld },
    ahead: standing?.ahead ?? null,
    resources: describeObstacles(
      task.status === 'TODO' ? await obstaclesOf(engine.pool, task, asked.now) : [],
    ),
  });
  return {
    taskId: formatId('task', task.id),
    status: task.status,
    score:
      standing === null
        ? null
        : { weight: standing.weight, boost: standing.boost, score: standing.weight * standing.boost },
    ahead: standing?.ahead ?? null,
    whyNot,
  };
}
