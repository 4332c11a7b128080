import { formatId } from '@neolith/contracts';
import type { RunStatus, TaskStatus, WorkEngine } from '../../src/index.js';
import { settingsOf, tasksOf } from './backlog.js';
import type { RunFact, TaskFact } from './facts.js';
import type { Action, World } from './world.js';

const TASK_VERBS: Readonly<
  Record<
    string,
    {
      weight: number;
      of: readonly TaskStatus[];
      call(engine: WorkEngine, id: string, world: World): Promise<unknown>;
    }
  >
> = {
  cancelTask: {
    weight: 3,
    of: ['TODO', 'BLOCKED', 'IN_PROGRESS', 'MERGING'],
    call: (engine, id) => engine.cancelTask(id),
  },
  cancelTaskAndDependents: {
    weight: 1,
    of: ['TODO', 'BLOCKED', 'IN_PROGRESS', 'MERGING'],
    call: (engine, id) => engine.cancelTask(id, { onPrerequisiteFailure: 'cancel' }),
  },
  retryTask: { weight: 4, of: ['FAILED', 'CANCELLED'], call: (engine, id) => engine.retryTask(id) },
  reopenTask: { weight: 2, of: ['DONE'], call: (engine, id) => engine.reopenTask(id) },
  blockTask: {
    weight: 1,
    of: ['TODO', 'BLOCKED'],
    call: (engine, id) => engine.blockTask(id, { reason: 'A person stops it' }),
  },
  unblockTask: {
    weight: 4,
    of: ['BLOCKED'],
    call: (engine, id) => engine.unblockTask(id, { answer: 'Go on' }),
  },
};

const RUN_VERBS: Readonly<
  Record<
    string,
    { weight: number; of: readonly RunStatus[]; call(engine: WorkEngine, id: string): Promise<unknown> }
  >
> = {
  startRun: { weight: 9, of: ['PENDING'], call: (engine, id) => engine.startRun(id) },
  pauseRun: { weight: 2, of: ['RUNNING'], call: (engine, id) => engine.pauseRun(id) },
  resumeRun: { weight: 4, of: ['PAUSED'], call: (engine, id) => engine.resumeRun(id) },
  stopRun: {
    weight: 0.6,
    of: ['RUNNING', 'PAUSED', 'QUARANTINED'],
    call: (engine, id) => engine.stopRun(id),
  },
  releaseRun: { weight: 4, of: ['QUARANTINED'], call: (engine, id) => engine.releaseRun(id) },
  retryRun: { weight: 2, of: ['FAILED'], call: (engine, id) => engine.retryRun(id) },
  resetRun: {
    weight: 0.6,
    of: ['PAUSED', 'QUARANTINED', 'SUCCEEDED', 'FAILED', 'CANCELLED'],
    call: (engine, id) => engine.resetRun(id),
  },
  completeRun: { weight: 0.4, of: ['RUNNING', 'PAUSED'], call: (engine, id) => engine.completeRun(id) },
};

const OTHERS = {
  addDependency: 3,
  removeDependency: 1.5,
  updateTask: 3,
  addTasks: 1.5,
  redrive: 1.5,
  retryPart: 0.7,
  forceBreaker: 0.7,
  releaseBreaker: 1.2,
  setOrchestrator: 1.2,
  configureRun: 1.2,
};
type Other = keyof typeof OTHERS;

/** People: they cancel, retry, link, pause, and change their minds. */
export async function actAsPerson(world: World, agents: readonly string[]): Promise<void> {
  const { random, facts } = world;
  const verb = random.weighted({
    ...weightsOf(TASK_VERBS, facts.tasks),
    ...weightsOf(RUN_VERBS, facts.runs),
    ...OTHERS,
  });
  const onTask = TASK_VERBS[verb];
  const onRun = RUN_VERBS[verb];
  if (onTask !== undefined) {
    const task = chooseTask(world, onTask.of);
    if (task !== undefined)
      await actOn(world, verb, formatId('task', task.id), (engine, id) => onTask.call(engine, id, world));
  } else if (onRun !== undefined) {
    const run = chooseRun(world, onRun.of);
    if (run !== undefined) await actOn(world, verb, formatId('run', run.id), onRun.call);
  } else {
    const action = other(world, verb as Other, agents);
    if (action !== undefined) await world.perform({ ...action, who: 'person', kind: verb });
  }
}

/** What nothing is there for is done now and then all the same, and refused. */
function weightsOf(
  verbs: Readonly<Record<string, { weight: number; of: readonly string[] }>>,
  things: readonly { status: string }[],
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(verbs).map(([name, { weight, of }]) => [
      name,
      things.some(({ status }) => of.includes(status)) ? weight : weight / 20,
    ]),
  );
}

async function actOn(
  world: World,
  verb: string,
  id: string,
  call: (engine: WorkEngine, id: string) => Promise<unknown>,
): Promise<void> {
  await world.perform({
    who: 'person',
    kind: verb,
    what: `${verb} ${id}`,
    call: (engine) => call(engine, id),
  });
}

/** Mostly one where the verb means something, sometimes any. */
function chooseTask({ random, facts }: World, of: readonly TaskStatus[]): TaskFact | undefined {
  const fitting = facts.tasks.filter(({ status }) => of.includes(status));
  return random.pick(fitting.length === 0 || random.chance(0.08) ? facts.tasks : fitting);
}

function chooseRun({ random, facts }: World, of: readonly RunStatus[]): RunFact | undefined {
  const fitting = facts.runs.filter(({ status }) => of.includes(status));
  return random.pick(fitting.length === 0 || random.chance(0.04) ? facts.runs : fitting);
}

function other(
  world: World,
  verb: Other,
  agents: readonly string[],
): Omit<Action, 'who' | 'kind'> | undefined {
  const { random, facts } = world;
  const task = random.pick(facts.tasks);
  const run = random.pick(facts.runs);
  const orchestrator = random.pick(facts.orchestrators);
  const agent = random.pick(agents) ?? 'claude';
  const breaker = { agent, provider: `provider of ${agent}` };
  switch (verb) {
    case 'addDependency': {
      const on = random.pick(facts.tasks);
      if (task === undefined || on === undefined) return undefined;
      const [id, dependsOn] = [formatId('task', task.id), formatId('task', on.id)];
      return {
        what: `${id} depends on ${dependsOn}`,
        call: (engine) => engine.addDependency(id, dependsOn),
        judge: ({ before }, outcome) =>
          outcome.ok && reaches(before.edges, on.id, task.id)
            ? [`${id} and ${dependsOn} wait for each other`]
            : [],
      };
    }
    case 'removeDependency': {
      const edge = random.pick(facts.edges);
      if (edge === undefined) return undefined;
      const [id, dependsOn] = [formatId('task', edge.dependent), formatId('task', edge.prerequisite)];
      return {
        what: `${id} no longer depends on ${dependsOn}`,
        call: (engine) => engine.removeDependency(id, dependsOn),
      };
    }
    case 'updateTask': {
      if (task === undefined) return undefined;
      const id = formatId('task', task.id);
      const dueMs = random.chance(0.3) ? null : world.now + (random.int(120) - 20) * 3_600_000;
      const to = random.chance(0.2) ? null : (orchestrator?.id ?? null);
      const patch = random.pick([
        { priority: random.pick(['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'] as const) },
        { dueAt: dueMs === null ? null : new Date(dueMs) },
        { orchestratorId: to === null ? null : formatId('orchestrator', to) },
      ]);
      if (patch === undefined) return undefined;
      return {
        what: `changes ${id}: ${Object.keys(patch)[0]} ${'dueAt' in patch ? (dueMs === null ? 'none' : `${Math.round((dueMs - world.now) / 60_000)} min`) : Object.values(patch)[0]}`,
        call: (engine) => engine.updateTask(id, patch),
      };
    }
    case 'addTasks': {
      if (facts.tasks.length > 34) return undefined;
      const into = random.chance(0.6) ? run : undefined;
      const tasks = tasksOf(world, 1 + random.int(3), into === undefined ? null : formatId('run', into.id));
      return {
        what: `adds ${tasks.length} tasks${into === undefined ? '' : ` to ${formatId('run', into.id)}`}`,
        call: (engine) => engine.createTasks(tasks),
      };
    }
    case 'redrive': {
      const of =
        random.chance(0.5) && run !== undefined
          ? { runId: formatId('run', run.id) }
          : ({ all: true } as const);
      return { what: `redrives ${JSON.stringify(of)}`, call: (engine) => engine.redriveDeadLetters(of) };
    }
    case 'retryPart': {
      const part = facts.tasks.find((one) => one.run === run?.id);
      if (run === undefined || part === undefined) return undefined;
      const [id, taskId] = [formatId('run', run.id), formatId('task', part.id)];
      return { what: `retries ${id} from ${taskId} on`, call: (engine) => engine.retryRun(id, { taskId }) };
    }
    case 'forceBreaker': {
      const to = random.chance(0.6) ? 'open' : 'closed';
      const minutes = to === 'open' && random.chance(0.6) ? 1 + random.int(30) : null;
      const until = minutes === null ? undefined : new Date(world.now + minutes * 60_000);
      return {
        what: `forces the breaker of ${agent} ${to}${minutes === null ? '' : ` for ${minutes} min`}`,
        call: (engine) => engine.forceBreaker({ ...breaker, to, reason: 'By hand', until }),
      };
    }
    case 'releaseBreaker':
      return {
        what: `releases the breaker of ${agent}`,
        call: (engine) => engine.releaseBreaker({ ...breaker, reason: undefined }),
      };
    case 'setOrchestrator': {
      if (orchestrator === undefined) return undefined;
      const id = formatId('orchestrator', orchestrator.id);
      const patch = random.chance(0.5)
        ? { maxConcurrentTasks: 1 + random.int(4) }
        : { status: random.pick(['ONLINE', 'ONLINE', 'BUSY', 'AWAY', 'OFFLINE'] as const) };
      return {
        what: `sets ${id} ${JSON.stringify(patch)}`,
        call: (engine) => engine.updateOrchestrator(id, patch),
      };
    }
    case 'configureRun': {
      if (run === undefined) return undefined;
      const id = formatId('run', run.id);
      const settings = Object.entries(settingsOf(random)).filter(([name]) => name !== 'mergeStage');
      const [name, value] = random.pick(settings) ?? ['maxConcurrentTasks', 2];
      return {
        what: `configures ${id}: ${name} ${JSON.stringify(value)}`,
        call: (engine) => engine.updateRunConfig(id, { [name]: value }),
      };
    }
  }
}

function reaches(
  edges: readonly { dependent: string; prerequisite: string }[],
  from: string,
  to: string,
): boolean {
  return (
    from === to ||
    edges.some(({ dependent, prerequisite }) => dependent === from && reaches(edges, prerequisite, to))
  );
}
