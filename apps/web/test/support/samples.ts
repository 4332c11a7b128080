import { randomUUID } from 'node:crypto';
import type { EndpointName, RunSettings } from '@neolith/contracts';
import type { WorkEngine } from '@neolith/work-engine';

/** One of each kind of thing, in one workspace. */
export interface Things {
  orchestrator: string;
  /** TODO, and nothing depends on it. */
  task: string;
  /** BLOCKED by `task`. */
  dependent: string;
  daemon: string;
  /** IN_PROGRESS, with a live attempt of the daemon. */
  runningTask: string;
  attempt: string;
  token: string;
  /** RUNNING, with a merge stage. */
  run: string;
  /** Of a task of the run that is MERGING, its slot granted. */
  mergingAttempt: string;
  pendingRun: string;
  pausedRun: string;
  quarantinedRun: string;
  failedRun: string;
}

let made = 0;

export async function makeThings(engine: WorkEngine, tokenId: string): Promise<Things> {
  made += 1;
  const orchestrator = await engine.createOrchestrator({
    name: `Orchestrator ${made}`,
    role: 'Engineer',
    discipline: 'Engineering',
    maxConcurrentTasks: 100,
  });
  const ids = { orchestratorId: orchestrator.id };
  const [running, task, dependent] = await engine.createTasks([
    { ...ids, title: 'Runs', priority: 'CRITICAL', maxAttempts: 100 },
    { ...ids, title: 'Waits', key: 'waits' },
    { ...ids, title: 'Depends', dependsOn: ['waits'] },
  ]);
  const daemon = await engine.registerDaemon({
    name: `daemon-${made}`,
    host: 'host',
    version: '1',
    slots: 4,
    orchestratorIds: [orchestrator.id],
  });
  const { claims } = await engine.claimNextTask(orchestrator.id, {
    daemonId: daemon.id,
    leaseSeconds: 86_400,
  });
  return {
    orchestrator: orchestrator.id,
    task: task?.id ?? '',
    dependent: dependent?.id ?? '',
    daemon: daemon.id,
    runningTask: running?.id ?? '',
    attempt: claims[0]?.attempt.id ?? '',
    token: tokenId,
    ...(await makeRuns(engine, orchestrator.id, daemon.id)),
  };
}

type Runs = Pick<
  Things,
  'run' | 'mergingAttempt' | 'pendingRun' | 'pausedRun' | 'quarantinedRun' | 'failedRun'
>;

/** A run in each state that a verb starts from. */
async function makeRuns(engine: WorkEngine, orchestratorId: string, daemonId: string): Promise<Runs> {
  const make = async (name: string, config: RunSettings = {}) => {
    const run = await engine.createRun({
      name,
      orchestratorId,
      config,
      tasks: [
        { key: 'a', title: `${name} a` },
        { title: `${name} b`, dependsOn: ['a'] },
      ],
    });
    return run.id;
  };
  const begin = async (runId: string) => {
    await engine.startRun(runId);
    const [task] = await engine.getReadyTasks(runId);
    const taskId = task?.id ?? '';
    const execution = await engine.executeTask(orchestratorId, taskId, { daemonId, leaseSeconds: 86_400 });
    if (execution.status !== 'in_progress') throw new Error(execution.error);
    return { taskId, attemptId: execution.attemptId };
  };
  const atOnce = { consecutive: 1 };
  const [run, pendingRun, pausedRun, quarantinedRun, failedRun] = await Promise.all([
    make('Merges', { mergeStage: true }),
    make('Not begun'),
    make('Paused'),
    make('Quarantined', { failureThreshold: atOnce }),
    make('Failed', { failurePolicy: 'stop', failureThreshold: atOnce }),
  ]);
  const merging = await begin(run);
  await engine.completeTask(merging.taskId, { status: 'completed', attemptId: merging.attemptId });
  await engine.requestMerge(merging.attemptId);
  await engine.startRun(pausedRun);
  await engine.pauseRun(pausedRun);
  for (const runId of [quarantinedRun, failedRun]) {
    const { taskId, attemptId } = await begin(runId);
    await engine.completeTask(taskId, { status: 'failed', error: 'Red', attemptId });
  }
  return { run, mergingAttempt: merging.attemptId, pendingRun, pausedRun, quarantinedRun, failedRun };
}

export interface Sample {
  id?: string;
  query?: Record<string, string>;
  body?: Record<string, unknown>;
}

/** A call of each endpoint that is well-formed and means the given things. */
export function samplesOf(things: Things): Record<EndpointName, Sample> {
  const { orchestrator, task, dependent, daemon, runningTask, attempt, token } = things;
  const { run, mergingAttempt } = things;
  const because = { reason: 'A person said so' };
  const planned = [
    { key: 'a', title: 'First', orchestratorId: orchestrator, estimateMinutes: 5 },
    { key: 'b', title: 'Second', dependsOn: ['a'], tags: ['x'] },
  ];
  return {
    getOverview: {},
    listOrchestrators: {},
    createOrchestrator: {
      body: { name: `New ${randomUUID()}`, role: 'Engineer', discipline: 'Engineering' },
    },
    getOrchestrator: { id: orchestrator },
    updateOrchestrator: {
      id: orchestrator,
      body: { role: 'Lead', charter: { mission: 'To build', values: ['Care'] } },
    },
    getNextTask: { id: orchestrator, query: { requireTags: 'a,b', minPriority: 'LOW' } },
    getQueue: { id: orchestrator, query: { limit: '10' } },
    explainSelection: { id: orchestrator, query: { taskId: task } },
    claimTasks: {
      id: orchestrator,
      body: { daemonId: daemon, requestId: randomUUID(), max: 1, criteria: { requireTags: ['none has it'] } },
    },
    getOrchestratorStats: {
      id: orchestrator,
      query: { start: '2026-01-01T00:00:00Z', end: '2026-02-01T00:00:00+02:00' },
    },
    listOrchestratorAttempts: { id: orchestrator, query: { limit: '5' } },
    getWorkspace: {},
    updateWorkspace: { body: { priorityWeights: [1000, 100, 10, 1], deadlineBoosts: [10, 5, 2, 1] } },
    listChannels: {},
    createChannel: { body: { name: `channel ${randomUUID()}`, purpose: 'Talk' } },
    listTasks: { query: { orchestratorId: orchestrator, status: 'TODO', limit: '5' } },
    createTasks: {
      body: {
        tasks: [
          {
            key: 'a',
            title: 'First',
            orchestratorId: orchestrator,
            dueAt: '2027-01-01T00:00:00Z',
            tags: ['x'],
            metadata: { a: [1, { b: null }] },
          },
          { title: 'Second', orchestratorId: orchestrator, dependsOn: ['a', task], parentId: task },
        ],
      },
    },
    getTask: { id: task },
    updateTask: { id: task, body: { title: 'Changed', tags: ['y'], dueAt: null, metadata: { k: 'v' } } },
    getTaskContext: { id: task },
    executeTask: { id: dependent, body: { orchestratorId: orchestrator, daemonId: daemon, agent: 'shell' } },
    updateTaskProgress: {
      id: runningTask,
      body: { attemptId: attempt, progress: 40, message: 'Almost', metadata: { step: 2 } },
    },
    completeTask: {
      id: runningTask,
      body: {
        attemptId: attempt,
        status: 'completed',
        output: { ok: true },
        metrics: { startedAt: '2026-01-01T00:00:00Z', duration: 5, tokens: 1 },
        artifacts: [{ type: 'text', content: 'x' }],
      },
    },
    completeTasks: {
      body: { completions: [{ taskId: runningTask, attemptId: attempt, status: 'failed', error: 'Red' }] },
    },
    cancelTask: { id: task, body: { reason: 'No longer needed' } },
    blockTask: { id: task, body: { reason: 'Unclear', question: 'Which?' } },
    unblockTask: { id: task, body: { answer: 'This' } },
    retryTask: { id: task },
    reopenTask: { id: task },
    addDependency: { id: dependent, body: { dependsOn: runningTask } },
    removeDependency: { id: dependent, query: { dependsOn: task } },
    getAttempt: { id: attempt },
    appendAttemptLog: {
      id: attempt,
      body: { sequence: 1, entries: [{ stream: 'stdout', text: 'One\nTwo' }], droppedBytes: 0, last: false },
    },
    readAttemptLog: { id: attempt, query: { after: '0', limit: '5', waitSeconds: '0' } },
    renewLease: { id: attempt },
    confirmCancelled: { id: attempt },
    acquireResources: {
      id: attempt,
      body: { resources: [`port:${attempt}`, { resource: 'db', mode: 'shared' }] },
    },
    giveUpResources: { id: attempt },
    getResources: {},
    releaseAttempt: {
      id: attempt,
      body: {
        availableAt: '2026-12-01T00:00:00Z',
        reason: 'No agent',
        heldBy: [{ agent: 'claude', provider: 'anthropic' }],
      },
    },
    listDeadLetters: { query: { runId: things.failedRun, limit: '5' } },
    redriveDeadLetters: { body: { runId: things.quarantinedRun } },
    recordRoute: {
      id: attempt,
      body: {
        agent: 'claude',
        provider: 'anthropic',
        model: null,
        rule: 'hard bugs',
        strategy: 'auto',
        taskType: 'bug',
        complexity: 'high',
        confidence: 0.9,
        reason: 'It succeeds most often',
        candidates: [
          { agent: 'claude', state: 'chosen', reason: '9 of 10' },
          { agent: 'codex', state: 'next', reason: '5 of 10' },
        ],
      },
    },
    getAgentFigures: { query: { days: '7' } },
    listBreakers: {},
    requestPermit: { body: { agent: 'claude', provider: 'anthropic', attemptId: attempt } },
    forceBreaker: {
      body: {
        agent: 'claude',
        provider: 'anthropic',
        to: 'open',
        reason: 'Down',
        until: '2026-12-01T00:00:00Z',
      },
    },
    releaseBreaker: { body: { agent: 'codex', provider: 'openai', reason: 'Up' } },
    requestMerge: { id: mergingAttempt, body: { waitSeconds: 0 } },
    completeMerge: {
      id: mergingAttempt,
      body: { output: { commit: 'c0ffee' }, artifacts: [{ type: 'text', content: 'x' }] },
    },
    failMerge: { id: mergingAttempt, body: { error: 'Conflict in a.ts' } },
    listRuns: { query: { status: 'RUNNING', source: 'none has it', limit: '5' } },
    createRun: {
      body: {
        name: 'Made',
        orchestratorId: orchestrator,
        source: `plan ${randomUUID()}`,
        dueAt: '2027-01-01T00:00:00Z',
        config: { maxConcurrentTasks: 2, waves: 'strict', failureThreshold: { rate: 0.9 } },
        metadata: { a: 1 },
        tasks: planned,
      },
    },
    importPlan: {
      body: {
        name: 'Imported',
        source: `plan ${randomUUID()}`,
        orchestratorId: orchestrator,
        tasks: planned,
        dryRun: false,
        start: true,
      },
    },
    getRun: { id: run },
    updateRun: {
      id: run,
      body: { name: 'Renamed', dueAt: null, config: { maxConcurrentTasks: 7, timeoutSeconds: null } },
    },
    deleteRun: { id: things.pendingRun },
    startRun: { id: things.pendingRun, body: because },
    pauseRun: { id: run, body: because },
    resumeRun: { id: things.pausedRun, body: because },
    stopRun: { id: run, body: because },
    releaseRun: { id: things.quarantinedRun, body: because },
    retryRun: { id: things.failedRun, body: because },
    resetRun: { id: things.pausedRun, body: because },
    completeRun: { id: run, body: because },
    getRunSnapshot: { id: run },
    getRunHistory: { id: run, query: { limit: '5' } },
    getRunProgress: { id: run },
    getRunGraph: { id: run, query: { format: 'dot' } },
    getReadyTasks: { id: run },
    listDaemons: {},
    registerDaemon: {
      body: {
        name: `d ${randomUUID()}`,
        host: 'h',
        version: '1',
        slots: 2,
        agents: ['shell'],
        orchestratorIds: [orchestrator],
      },
    },
    daemonHeartbeat: { id: daemon, body: { state: 'ACTIVE', attemptIds: [attempt] } },
    followControl: { id: daemon },
    followEvents: { query: { orchestratorId: orchestrator } },
    listTaskEvents: { id: task, query: { limit: '5' } },
    listTokens: {},
    createToken: { body: { name: 'CI', scopes: ['read'], expiresInDays: 1 } },
    revokeToken: { id: token },
    createSignInLink: { body: { scopes: ['read'] } },
    getHealth: {},
    getOpenApi: {},
  };
}

/** The path with its query below the server's address. */
export function pathOf(path: string, sample: Sample): string {
  const query = new URLSearchParams(sample.query).toString();
  return `/api/v1${path.replace('{id}', encodeURIComponent(sample.id ?? ''))}${query === '' ? '' : `?${query}`}`;
}
