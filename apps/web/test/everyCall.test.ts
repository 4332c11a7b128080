import { type EndpointName, endpoints, type NeolithClient, NeolithError } from '@neolith/contracts';
import { beforeAll, expect, test } from 'vitest';
import { parseSecret } from '@/server/auth/secret';
import { serverFixture, type Tenant } from './support/serverFixture';

const fixture = serverFixture();
let tenant: Tenant;
let client: NeolithClient;
const called = new Set<string>();

beforeAll(async () => {
  tenant = await fixture.tenant();
  const real = await tenant.client();
  client = new Proxy(real, {
    get: (target, name: string) => {
      called.add(name);
      return Reflect.get(target, name);
    },
  });
});

async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'no refusal';
  } catch (error) {
    if (!(error instanceof NeolithError)) throw error;
    return error.code;
  }
}

const orchestratorOf = (name: string, rest: Record<string, unknown> = {}) =>
  client.createOrchestrator({ body: { name, role: 'Engineer', discipline: 'Engineering', ...rest } });

test('the workspace, its channels and its orchestrators', async () => {
  const workspace = await client.getWorkspace();
  const renamed = await client.updateWorkspace({
    body: { name: 'Renamed', priorityWeights: [2000, 100, 10, 1] },
  });
  expect(renamed).toEqual({ ...workspace, name: 'Renamed', priorityWeights: [2000, 100, 10, 1] });

  const channel = await client.createChannel({ body: { name: 'General' } });
  expect((await client.listChannels()).channels).toEqual([channel]);
  expect(await refusal(client.createChannel({ body: { name: 'General' } }))).toBe('NAME_TAKEN');

  const orchestrator = await orchestratorOf('Ada', {
    charter: { mission: 'To build' },
    timeZone: 'Europe/Berlin',
  });
  expect(orchestrator).toMatchObject({ status: 'ONLINE', charter: { mission: 'To build' } });
  expect(await client.getOrchestrator({ params: { id: orchestrator.id } })).toEqual(orchestrator);
  const changed = await client.updateOrchestrator({
    params: { id: orchestrator.id },
    body: { status: 'AWAY' },
  });
  expect(changed).toMatchObject({ ...orchestrator, status: 'AWAY', updatedAt: expect.any(Date) });
  const { orchestrators } = await client.listOrchestrators();
  expect(orchestrators.map(({ name }) => name)).toEqual(['Ada']);
  expect(await refusal(orchestratorOf('Ada'))).toBe('NAME_TAKEN');
});

test('a backlog is made, ranked, explained and handed out; its work is reported, and what waited is freed', async () => {
  const { id } = await orchestratorOf('Bea', { maxConcurrentTasks: 2 });
  const params = { id };
  const { tasks } = await client.createTasks({
    body: {
      tasks: [
        { key: 'first', title: 'First', orchestratorId: id, priority: 'HIGH', tags: ['api'] },
        { title: 'Second', orchestratorId: id, dependsOn: ['first'], dueAt: '2030-01-01T00:00:00Z' },
        { title: 'Third', orchestratorId: id, priority: 'LOW' },
      ],
    },
  });
  const [first, second, third] = tasks.map((task) => task.id) as [string, string, string];
  expect(tasks[1]).toMatchObject({ status: 'BLOCKED', dueAt: new Date('2030-01-01T00:00:00Z') });

  expect((await client.getNextTask({ params, query: {} }))?.id).toBe(first);
  expect(await client.getNextTask({ params, query: { requireTags: 'none' } })).toBeNull();
  const { ranking } = await client.getQueue({ params, query: {} });
  expect(ranking.map(({ task, score }) => [task.id, score])).toEqual([
    [first, 100],
    [third, 1],
  ]);
  const explained = await client.explainSelection({ params, query: { taskId: second } });
  expect(explained.asked?.whyNot.map(({ code }) => code)).toContain('BLOCKED_BY_DEPENDENCIES');

  const daemon = await client.registerDaemon({
    body: { name: 'worker', host: 'here', version: '1', slots: 2, orchestratorIds: [id] },
  });
  expect((await client.listDaemons()).daemons).toEqual([daemon]);
  const body = { daemonId: daemon.id, requestId: 'one', max: 1 };
  const { claims } = await client.claimTasks({ params, body });
  const attempt = claims[0]?.attempt.id as string;
  expect(claims[0]).toMatchObject({
    task: { id: first },
    score: { score: 100 },
    context: { task: { id: first } },
  });
  expect((await client.claimTasks({ params, body })).claims.map((claim) => claim.attempt.id)).toEqual([
    attempt,
  ]);
  expect(await client.getTaskContext({ params: { id: first } })).toEqual(claims[0]?.context);

  expect(await client.renewLease({ params: { id: attempt } })).toMatchObject({
    owned: true,
    cancelRequested: false,
  });
  const { renewals } = await client.daemonHeartbeat({
    params: { id: daemon.id },
    body: { attemptIds: [attempt] },
  });
  expect(renewals).toMatchObject([{ attemptId: attempt, owned: true }]);
  const progressed = await client.updateTaskProgress({
    params: { id: first },
    body: { attemptId: attempt, progress: 50 },
  });
  expect(progressed.progress).toBe(50);
  expect(
    await refusal(
      client.updateTaskProgress({ params: { id: first }, body: { attemptId: attempt, progress: 101 } }),
    ),
  ).toBe('INVALID_PROGRESS');

  const result = {
    attemptId: attempt,
    status: 'completed' as const,
    output: { n: 1 },
    artifacts: [{ type: 'text', content: 'x' }],
  };
  const settled = await client.completeTask({ params: { id: first }, body: result });
  expect(settled).toMatchObject({ status: 'DONE', replayed: false, unblocked: [second] });
  expect(await client.completeTask({ params: { id: first }, body: result })).toEqual({
    ...settled,
    replayed: true,
    unblocked: expect.any(Array),
  });
  const together = await client.completeTasks({ body: { completions: [{ taskId: first, ...result }] } });
  expect(together.results).toEqual([
    {
      taskId: first,
      attemptId: result.attemptId,
      settlement: { ...settled, replayed: true, unblocked: expect.any(Array) },
      problem: null,
    },
  ]);
  expect(await client.getAttempt({ params: { id: attempt } })).toMatchObject({
    status: 'SUCCEEDED',
    number: 1,
  });
  const chunk = { sequence: 1, entries: [{ stream: 'stdout' as const, text: 'last words' }], last: true };
  const appended = await client.appendAttemptLog({ params: { id: attempt }, body: chunk });
  expect(appended).toEqual({ attemptId: attempt, stored: true, sequence: 1 });
  expect(await client.readAttemptLog({ params: { id: attempt }, query: {} })).toEqual({
    attemptId: attempt,
    taskId: first,
    status: 'SUCCEEDED',
    chunks: [{ sequence: 1, at: expect.any(Date), droppedBytes: 0, entries: chunk.entries }],
    next: 1,
    more: false,
    complete: true,
    keptBytes: 11,
    droppedBytes: 0,
  });
  expect(await client.getTask({ params: { id: first } })).toMatchObject({
    result: { output: { n: 1 } },
    dependents: [{ id: second }],
  });

  const execution = await client.executeTask({ params: { id: second }, body: { orchestratorId: id } });
  expect(execution.status).toBe('in_progress');
  const second_attempt = execution.status === 'in_progress' ? execution.attemptId : '';
  const acquired = await client.acquireResources({
    params: { id: second_attempt },
    body: { resources: ['port:3000', { resource: 'path:src/', mode: 'shared' }] },
  });
  expect(acquired).toMatchObject({ granted: true, waitingSince: null, waitsFor: [] });
  expect((await client.getResources()).holds).toEqual([
    expect.objectContaining({ resource: 'port:3000', mode: 'exclusive', attemptId: second_attempt }),
    expect.objectContaining({ resource: 'path:src/**', mode: 'shared', taskId: second }),
  ]);
  expect(await client.giveUpResources({ params: { id: second_attempt } })).toMatchObject({ gaveUp: [] });
  const released = await client.releaseAttempt({ params: { id: second_attempt } });
  expect(released).toMatchObject({ status: 'TODO' });

  const { attempts } = await client.listOrchestratorAttempts({ params, query: {} });
  expect(attempts.map(({ taskTitle }) => taskTitle).sort()).toEqual(['First', 'Second']);
  const stats = await client.getOrchestratorStats({ params, query: {} });
  expect(stats).toMatchObject({
    completed: 1,
    failed: 0,
    successRate: 100,
    range: { end: expect.any(Date) },
  });
  const overview = await client.getOverview();
  expect(overview.orchestrators.find(({ orchestrator }) => orchestrator.id === id)).toMatchObject({
    daemonAlive: true,
  });
  const { events } = await client.listTaskEvents({ params: { id: first }, query: {} });
  expect(events.map(({ type }) => type)).toEqual([
    'task.created',
    'task.claimed',
    'task.progress',
    'task.completed',
  ]);
  expect(events[1]?.actor).toMatch(/^token:tok_/);
  const page = await client.listTasks({ query: { orchestratorId: id, limit: 2 } });
  const rest = await client.listTasks({
    query: { orchestratorId: id, limit: 2, cursor: page.nextCursor ?? '' },
  });
  expect([...page.tasks, ...rest.tasks].map((task) => task.id).sort()).toEqual([first, second, third].sort());
});

test('a person cancels, blocks, unblocks, retries, reopens and rewires tasks', async () => {
  const { id } = await orchestratorOf('Cay');
  const { tasks } = await client.createTasks({
    body: { tasks: ['a', 'b'].map((title) => ({ title, orchestratorId: id })) },
  });
  const [a, b] = tasks.map((task) => task.id) as [string, string];
  const of = (task: string) => ({ params: { id: task } });

  const wired = await client.addDependency({ ...of(b), body: { dependsOn: a } });
  expect(wired).toMatchObject({ status: 'BLOCKED', waitsFor: [{ id: a }] });
  expect(await refusal(client.addDependency({ ...of(a), body: { dependsOn: b } }))).toBe('DEPENDENCY_CYCLE');
  expect(await client.removeDependency({ ...of(b), query: { dependsOn: a } })).toMatchObject({
    status: 'TODO',
    waitsFor: [],
  });

  const blocked = await client.blockTask({ ...of(a), body: { reason: 'Unclear', question: 'Which?' } });
  expect(blocked).toMatchObject({ status: 'BLOCKED', blockedQuestion: 'Which?' });
  expect(await client.unblockTask({ ...of(a), body: { answer: 'This' } })).toMatchObject({
    status: 'TODO',
    answer: 'This',
  });
  expect(await client.updateTask({ ...of(a), body: { title: 'A', dueAt: null } })).toMatchObject({
    title: 'A',
    dueAt: null,
  });

  expect(await client.cancelTask({ ...of(a), body: {} })).toMatchObject({ status: 'CANCELLED' });
  expect(await client.retryTask(of(a))).toMatchObject({ status: 'TODO' });

  const execution = await client.executeTask({ ...of(a), body: { orchestratorId: id } });
  const attemptId = execution.status === 'in_progress' ? execution.attemptId : '';
  expect(await refusal(client.confirmCancelled(of(attemptId)))).toBe('CANCEL_NOT_REQUESTED');
  await client.cancelTask({ ...of(a), body: { reason: 'Enough' } });
  expect(await client.confirmCancelled(of(attemptId))).toMatchObject({ status: 'CANCELLED' });

  const again = await client.executeTask({ ...of(b), body: { orchestratorId: id } });
  await client.completeTask({
    ...of(b),
    body: { attemptId: again.status === 'in_progress' ? again.attemptId : '', status: 'completed' },
  });
  expect(await client.reopenTask(of(b))).toMatchObject({ status: 'TODO' });
});

test('a claim that waits gets the task that comes meanwhile', async () => {
  const { id } = await orchestratorOf('Dee');
  const waiting = client.claimTasks({ params: { id }, body: { requestId: 'wait', waitSeconds: 20 } });
  const begun = performance.now();
  await tenant.engine.createTask({ title: 'Now', orchestratorId: id });
  expect((await waiting).claims).toHaveLength(1);
  expect(performance.now() - begun).toBeLessThan(3_000);

  const empty = await client.claimTasks({ params: { id }, body: { requestId: 'none', waitSeconds: 0.2 } });
  expect(empty).toEqual({ claims: [], reason: 'NOTHING_ELIGIBLE' });
});

test('a plan becomes a run, is moved by its verbs, merged, read in every way, and deleted', async () => {
  const { id } = await orchestratorOf('Fay');
  const plan = {
    name: 'Release',
    orchestratorId: id,
    config: { mergeStage: true },
    tasks: [
      { key: 'a', title: 'A' },
      { key: 'b', title: 'B', dependsOn: ['a'] },
    ],
  };
  const run = await client.createRun({ body: plan });
  expect(run).toMatchObject({
    status: 'PENDING',
    counts: { total: 2 },
    config: { mergeStage: true, failureThreshold: { consecutive: 5, rate: 0.5, minAttempts: 10 } },
  });
  const of = { params: { id: run.id } };
  const move = { ...of, body: { reason: 'Because' } };
  expect((await client.listRuns({ query: {} })).runs).toEqual([run]);
  expect(await client.startRun(move)).toMatchObject({ status: 'RUNNING', startedAt: expect.any(Date) });
  expect(await client.pauseRun(move)).toMatchObject({ status: 'PAUSED' });
  expect(await client.resumeRun(move)).toMatchObject({ status: 'RUNNING' });

  const begin = async () => {
    const [task] = (await client.getReadyTasks(of)).tasks;
    const taskId = task?.id ?? '';
    const execution = await client.executeTask({ params: { id: taskId }, body: { orchestratorId: id } });
    return { taskId, attemptId: execution.status === 'in_progress' ? execution.attemptId : '' };
  };
  const codeOf = async () => {
    const { taskId, attemptId } = await begin();
    const body = { attemptId, status: 'completed' as const };
    expect(await client.completeTask({ params: { id: taskId }, body })).toMatchObject({ status: 'MERGING' });
    const turn = await client.requestMerge({ params: { id: attemptId }, body: {} });
    expect(turn).toMatchObject({ taskId, attemptId, granted: true, place: 0 });
    return { params: { id: attemptId } };
  };
  const conflicting = await codeOf();
  expect(await client.failMerge({ ...conflicting, body: { error: 'Conflict' } })).toMatchObject({
    status: 'TODO',
  });
  const merged = await codeOf();
  expect(await client.completeMerge({ ...merged, body: { output: { commit: 'c0ffee' } } })).toMatchObject({
    status: 'DONE',
    unblocked: [expect.stringMatching(/^task_/)],
  });
  const progress = await client.getRunProgress(of);
  expect(progress).toMatchObject({ runId: run.id, percent: 50, eta: { at: expect.any(Date) } });
  expect((await client.getRunSnapshot(of)).tasks.map(({ status }) => status).sort()).toEqual([
    'DONE',
    'TODO',
  ]);
  const typesOf = async () => {
    const { events } = await client.getRunHistory({ ...of, query: { limit: 500 } });
    return events.map(({ type }) => type);
  };
  await expect
    .poll(typesOf, { timeout: 10_000 })
    .toEqual(
      expect.arrayContaining([
        'run.created',
        'task.code_completed',
        'task.merge_granted',
        'task.merge_failed',
      ]),
    );
  expect((await client.getRunGraph({ ...of, query: {} })).graph?.waves).toHaveLength(2);

  const patch = { dueAt: '2030-01-01T00:00:00Z', config: { failureThreshold: { consecutive: 1 } } };
  expect(await client.updateRun({ ...of, body: patch })).toMatchObject({
    status: 'RUNNING',
    dueAt: new Date('2030-01-01T00:00:00Z'),
    config: { mergeStage: true, failureThreshold: { consecutive: 1, rate: 0.5, minAttempts: 10 } },
  });
  const { taskId, attemptId } = await begin();
  const failure = { attemptId, status: 'failed' as const, error: 'Red' };
  await client.completeTask({ params: { id: taskId }, body: failure });
  expect(await client.getRun(of)).toMatchObject({ status: 'QUARANTINED', reason: expect.any(String) });
  expect(await client.releaseRun(move)).toMatchObject({ status: 'RUNNING', failuresInRow: 0 });
  expect(await refusal(client.completeRun(move))).toBe('RUN_NOT_OVER');
  expect(await refusal(client.retryRun(move))).toBe('INVALID_TRANSITION');
  expect(await client.stopRun(move)).toMatchObject({ status: 'CANCELLED', reason: 'Because' });
  expect(await client.resetRun(move)).toMatchObject({ status: 'PENDING', counts: { done: 1, todo: 1 } });
  expect(await client.deleteRun(of)).toBeNull();
  expect(await refusal(client.getRun(of))).toBe('RUN_NOT_FOUND');

  const imported = await client.importPlan({ body: { ...plan, source: 'release.yaml', start: true } });
  expect(imported).toMatchObject({ run: { status: 'RUNNING', source: 'release.yaml' }, unchanged: 0 });
});

/** Resolves once the server has looked for work after this call, so that one knows that it waits. */
async function claimBegun(): Promise<void> {
  const { pool } = fixture.test.database;
  const { rows } = await pool.query<{ now: string }>('SELECT now()::text AS now');
  const begun = () =>
    pool.query(
      `SELECT 1 FROM pg_stat_activity WHERE application_name = 'neolith-web' AND datname = current_database()
         AND query_start > $1::timestamptz AND query ILIKE '%claim%'`,
      [rows[0]?.now],
    );
  const deadline = performance.now() + 10_000;
  while ((await begun()).rowCount === 0) {
    if (performance.now() > deadline) throw new Error('The server did not look for work');
  }
}

test('a caller that hangs up while it waits for work gets none later', async () => {
  const { id } = await orchestratorOf('Eve');
  const abort = new AbortController();
  const untilSomebodyClaims = claimBegun();
  const waiting = client.claimTasks({
    params: { id },
    body: { requestId: 'gone', waitSeconds: 20 },
    signal: abort.signal,
  });
  await untilSomebodyClaims;
  abort.abort();
  await expect(waiting).rejects.toThrow();
  const [task] = await tenant.engine.createTasks([{ title: 'Free', orchestratorId: id }]);
  const { claims } = await client.claimTasks({ params: { id }, body: { requestId: 'next', waitSeconds: 5 } });
  expect(claims[0]?.task.id).toBe(task?.id);
});

test('circuit breakers are forced, ask for permits, are told with claims, and let go', async () => {
  const { id } = await orchestratorOf('Breaker');
  const named = { agent: 'claude', provider: 'anthropic' };
  expect(await client.forceBreaker({ body: { ...named, to: 'open', reason: 'Down' } })).toMatchObject({
    ...named,
    status: 'open',
    forced: 'open',
  });
  await client.createTasks({ body: { tasks: [{ title: 'Held', orchestratorId: id }] } });
  const { claims, heldAgents } = await client.claimTasks({ params: { id }, body: { requestId: 'held' } });
  expect(heldAgents).toEqual([{ ...named, openUntil: null }]);
  const attemptId = claims[0]?.attempt.id ?? '';
  const permit = await client.requestPermit({ body: { ...named, attemptId } });
  expect(permit).toMatchObject({ granted: false, status: 'open', reason: 'Down', retryAt: expect.any(Date) });
  const availableAt = permit.retryAt?.toISOString() ?? '';
  expect(
    await client.releaseAttempt({
      params: { id: attemptId },
      body: { availableAt, reason: 'Held', heldBy: [named] },
    }),
  ).toMatchObject({ status: 'TODO', availableAt: permit.retryAt });
  expect(await client.releaseBreaker({ body: named })).toMatchObject({ status: 'half_open', forced: null });
  expect((await client.listBreakers()).breakers).toMatchObject([{ ...named, status: 'half_open' }]);
  expect(await refusal(client.releaseBreaker({ body: { agent: 'nobody' } }))).toBe('BREAKER_NOT_FOUND');
});

test('the route of an attempt is stored and shown, and agents are measured by what their attempts told', async () => {
  const { id } = await orchestratorOf('Router');
  const { tasks } = await client.createTasks({ body: { tasks: [{ title: 'Routed', orchestratorId: id }] } });
  const taskId = tasks[0]?.id ?? '';
  const { claims } = await client.claimTasks({ params: { id }, body: { requestId: 'routed' } });
  const attemptId = claims[0]?.attempt.id ?? '';
  const route = {
    ...{ agent: 'routed', provider: 'local', model: null, rule: null, strategy: 'fixed' as const },
    ...{ taskType: 'docs', complexity: 'low', confidence: 0.5, reason: 'The only one' },
    candidates: [{ agent: 'routed', state: 'chosen' as const, reason: '' }],
  };
  expect(await client.recordRoute({ params: { id: attemptId }, body: route })).toBeNull();
  expect(await client.getAttempt({ params: { id: attemptId } })).toMatchObject({ agent: 'routed', route });
  await client.completeTask({
    params: { id: taskId },
    body: { status: 'completed', attemptId, metrics: { agent: 'routed', duration: 2_000, route } },
  });
  expect(await refusal(client.recordRoute({ params: { id: attemptId }, body: route }))).toBe('LEASE_LOST');
  const { figures } = await client.getAgentFigures({ query: { days: 1 } });
  expect(figures.find(({ agent }) => agent === 'routed')).toMatchObject({
    ...{
      taskType: 'docs',
      attempts: 1,
      successes: 1,
      failures: 0,
      averageDurationMs: 2_000,
      averageCostUsd: null,
    },
    lastEndedAt: expect.any(Date),
  });
});

test('parked tasks are listed and redriven', async () => {
  const { id } = await orchestratorOf('Parker');
  const { tasks } = await client.createTasks({
    body: { tasks: [{ title: 'Parked', orchestratorId: id, maxAttempts: 1 }] },
  });
  const taskId = tasks[0]?.id ?? '';
  const { claims } = await client.claimTasks({ params: { id }, body: { requestId: 'parked' } });
  await client.completeTask({
    params: { id: taskId },
    body: { status: 'failed', error: 'Red', attemptId: claims[0]?.attempt.id ?? '' },
  });
  const { deadLetters } = await client.listDeadLetters({ query: { orchestratorId: id } });
  expect(deadLetters).toMatchObject([{ task: { id: taskId }, spent: 'attempts', reason: 'Red' }]);
  expect(await client.redriveDeadLetters({ body: { orchestratorId: id } })).toEqual({
    redriven: [taskId],
    refused: [],
    more: false,
  });
});

test('tokens, links and the description of it all', async () => {
  const { token, secret } = await client.createToken({ body: { name: 'CI', scopes: ['read', 'read'] } });
  expect(token.scopes).toEqual(['read']);
  expect(parseSecret(secret)?.id).toBe(token.id.replace('tok_', ''));
  expect((await client.listTokens()).tokens[0]).toEqual(token);
  expect(await client.revokeToken({ params: { id: token.id } })).toMatchObject({
    revokedAt: expect.any(Date),
  });
  expect(await refusal(client.revokeToken({ params: { id: 'tok_x' } }))).toBe('TOKEN_NOT_FOUND');
  expect((await client.createSignInLink({ body: {} })).url).toContain('/sign-in?code=neo_');
  expect(await client.getHealth()).toMatchObject({ status: 'ok', database: 'ok' });
  const document = (await client.getOpenApi()) as unknown as {
    paths: Record<string, Record<string, { operationId: string }>>;
  };
  const operations = Object.values(document.paths).flatMap((path) =>
    Object.values(path).map(({ operationId }) => operationId),
  );
  expect(operations.sort()).toEqual(Object.keys(endpoints).sort());
});

test('every endpoint was called above, but for the streams, which have tests of their own', () => {
  const streams = ['followControl', 'followEvents'];
  const missing = (Object.keys(endpoints) as EndpointName[]).filter(
    (name) => !called.has(name) && !streams.includes(name),
  );
  expect(missing).toEqual([]);
});
