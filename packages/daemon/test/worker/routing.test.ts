import { rmSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { AgentAdapter } from '../../src/agents/agentAdapter.js';
import { createAgent } from '../../src/agents/registry.js';
import { routeAgents } from '../../src/coordinator/routeAgents.js';
import { createRandom } from '../../src/plans/mulberry32.js';
import { followFigures, followRouterConfig, parseRouterConfig } from '../../src/routing/index.js';
import { openWorkplace, readPidFile, until } from './support/workplace.js';

const work = openWorkplace();

/** The scripted agent under another name. */
const agentCalled = (name: string): AgentAdapter => ({ ...work.agent(), name });

/** Claude's own adapter with a program of ours in place of the command: it prints what claude prints, to the letter. */
function claudeThat(script: string): AgentAdapter {
  const file = work.path('claude.mjs');
  writeFileSync(file, script);
  return createAgent(
    'claude',
    { hostEnvironment: process.env, baseDirectory: work.directory },
    { claude: { command: [process.execPath, file] } },
  );
}

const router = (config: unknown, adapters: readonly AgentAdapter[]) =>
  routeAgents({
    adapters: new Map(adapters.map((adapter) => [adapter.name, adapter])),
    config: parseRouterConfig(JSON.stringify(config), 'router.config.json'),
    named: false,
    project: null,
    random: createRandom(1),
  });

const agentsOf = async (taskId: string) =>
  (await work.engine.getTask(taskId)).attempts.map(({ agent, status }) => `${agent} ${status}`);

it('gives the work to another agent until the quota of the first is renewed, and then to the first again', async () => {
  const resetAt = Math.floor(Date.now() / 1_000) + 3_600;
  const used = work.path('used-up');
  writeFileSync(used, '');
  const claude = claudeThat(`
    import { existsSync } from 'node:fs';
    if (process.argv.includes('--version')) console.log('2.1.197 (Claude Code)');
    else if (existsSync(${JSON.stringify(used)})) {
      console.log(JSON.stringify({ type: 'rate_limit_event', rate_limit_info: { status: 'rejected', resetsAt: ${resetAt} } }));
      console.log(JSON.stringify({ type: 'result', subtype: 'success', is_error: true, result: "You've hit your limit", session_id: 's' }));
      process.exitCode = 1;
    } else console.log(JSON.stringify({ type: 'result', subtype: 'success', is_error: false, result: 'Done', session_id: 's' }));
  `);
  const orchestrator = await work.orchestrator();
  const agent = await router({ rules: [{ name: 'first', agents: ['claude', 'codex'] }] }, [
    claude,
    agentCalled('codex'),
  ]);
  await work.daemon({ orchestrators: [orchestrator.id], agent }).start();
  const first = await work.task(orchestrator);
  const done = await work.untilStatus(first.id, 'DONE');
  // Back before the breaker is written it may meet claude once more.
  const [last, ...before] = await agentsOf(first.id);
  expect([last, new Set(before)]).toEqual(['codex SUCCEEDED', new Set(['claude FAILED'])]);
  expect(done.attempts[1]).toMatchObject({
    failureClass: 'provider',
    route: { agent: 'claude', rule: 'first' },
  });
  // The reset is that of the agent's own output, all the way to the breaker.
  const breaker = (await work.engine.listBreakers()).find((one) => one.agent === 'claude');
  expect(breaker).toMatchObject({ status: 'open', openUntil: new Date(resetAt * 1_000) });
  expect(done.attempts[0]?.route).toMatchObject({
    agent: 'codex',
    candidates: [
      { agent: 'claude', state: 'next', reason: 'its provider failed at this task' },
      { agent: 'codex', state: 'chosen' },
    ],
  });
  // To a task that it has not failed at yet it is held.
  const another = await work.untilStatus((await work.task(orchestrator)).id, 'DONE');
  expect(another.attempts).toHaveLength(1);
  expect(another.attempts[0]?.route).toMatchObject({
    agent: 'codex',
    candidates: [
      { agent: 'claude', state: 'held', reason: expect.stringContaining('hit your limit') },
      { agent: 'codex', state: 'chosen' },
    ],
  });
  // An hour later, by the clock of the database: the sweep lets one attempt through to see.
  await work.database.database.pool.query(
    "UPDATE breakers SET open_until = now() - interval '1 second' WHERE agent = 'claude'",
  );
  rmSync(used);
  await work.engine.sweepExpiredLeases();
  const second = await work.task(orchestrator);
  await work.untilStatus(second.id, 'DONE');
  expect(await agentsOf(second.id)).toEqual(['claude SUCCEEDED']);
  await until(
    async () => (await work.engine.listBreakers()).find((one) => one.agent === 'claude')?.status === 'closed',
    'the breaker to close',
  );
});

it('hands the work to the second agent where as many of the first run as may, and waits where all are taken', async () => {
  const gate = work.path('gate');
  const pids = work.path('pids');
  const orchestrator = await work.orchestrator();
  const tasks = await Promise.all(
    Array.from({ length: 4 }, () => work.task(orchestrator, { metadata: { gate, pids } })),
  );
  const agent = await router(
    { rules: [{ agents: ['claude', 'codex'], fallback: false }], limits: { claude: 1, codex: 1 } },
    [agentCalled('claude'), agentCalled('codex')],
  );
  await work.daemon({ orchestrators: [orchestrator.id], agent, slots: 4 }).start();
  await until(() => readPidFile(pids).length === 2, 'two agents to run');
  const routes = async () => {
    const seen = await Promise.all(tasks.map(({ id }) => work.engine.getTask(id)));
    return seen.flatMap(({ attempts }) => attempts.flatMap(({ route }) => route?.agent ?? []));
  };
  await until(async () => (await routes()).length === 2, 'two routes to be stored');
  expect((await routes()).sort()).toEqual(['claude', 'codex']);
  await work.open(gate);
  for (const { id } of tasks) await work.untilStatus(id, 'DONE');
  const agents = (await Promise.all(tasks.map(({ id }) => agentsOf(id)))).flat();
  // Nobody was given back while it waited.
  expect(agents).toHaveLength(4);
});

it('ends at once what waits for an agent when its task is cancelled', async () => {
  const gate = work.path('gate');
  const pids = work.path('pids');
  const orchestrator = await work.orchestrator();
  const agent = await router({ rules: [{ agents: ['claude'], fallback: false }], limits: { claude: 1 } }, [
    agentCalled('claude'),
  ]);
  await work.daemon({ orchestrators: [orchestrator.id], agent }).start();
  const first = await work.task(orchestrator, { metadata: { gate, pids }, priority: 'CRITICAL' });
  await until(() => readPidFile(pids).length === 1, 'the first to run');
  const second = await work.task(orchestrator, { metadata: { gate, pids } });
  await work.untilStatus(second.id, 'IN_PROGRESS');
  await work.engine.cancelTask(second.id);
  await work.untilStatus(second.id, 'CANCELLED');
  await work.open(gate);
  await work.untilStatus(first.id, 'DONE');
  expect(readPidFile(pids)).toHaveLength(1);
});

/** Claude's own adapter with a program that can be taken away and put back, as an update does. */
function removableClaude() {
  const file = work.path('bin-claude');
  const result = JSON.stringify({ type: 'result', subtype: 'success', is_error: false, result: 'Done' });
  const install = () =>
    writeFileSync(
      file,
      `#!/bin/sh\n[ "$1" = --version ] && echo '2.1.197 (Claude Code)' && exit\ncat > /dev/null\necho '${result}'\n`,
      { mode: 0o755 },
    );
  install();
  const claude = createAgent(
    'claude',
    { hostEnvironment: process.env, baseDirectory: work.directory },
    { claude: { command: [file] } },
  );
  return { claude, install, uninstall: () => rmSync(file) };
}

it('passes over an agent that was uninstalled while the daemon runs, until it is back', async () => {
  const { claude, install, uninstall } = removableClaude();
  const orchestrator = await work.orchestrator();
  const agent = await router({ rules: [{ agents: ['claude', 'codex'] }] }, [claude, agentCalled('codex')]);
  await work.daemon({ orchestrators: [orchestrator.id], agent }).start();
  const next = async () => {
    const { id } = await work.task(orchestrator, { maxAttempts: 1 });
    return (await work.untilStatus(id, 'DONE')).attempts;
  };
  expect(await next()).toMatchObject([{ agent: 'claude', status: 'SUCCEEDED' }]);
  uninstall();
  expect(await next()).toMatchObject([
    {
      agent: 'codex',
      status: 'SUCCEEDED',
      route: {
        candidates: [
          { agent: 'claude', state: 'absent', reason: expect.stringContaining('was not found') },
          { agent: 'codex', state: 'chosen' },
        ],
      },
    },
  ]);
  install();
  expect(await next()).toMatchObject([{ agent: 'claude', status: 'SUCCEEDED' }]);
});

it('gives a task back that no agent of this machine can do, at the cost of no budget, for longer each time', async () => {
  const { claude, install, uninstall } = removableClaude();
  const orchestrator = await work.orchestrator();
  const agent = await router({ rules: [{ agents: ['claude'], fallback: false }] }, [
    claude,
    agentCalled('codex'),
  ]);
  await work.daemon({ orchestrators: [orchestrator.id], agent, slots: 1 }).start();
  uninstall();
  const task = await work.task(orchestrator, { maxAttempts: 1 });
  await until(
    async () => (await work.engine.getTask(task.id)).availableAt !== null,
    'the task to be given back',
  );
  const held = await work.engine.getTask(task.id);
  expect(held).toMatchObject({ status: 'TODO', failureCount: 0, lostCount: 0 });
  expect(held.attempts).toMatchObject([
    {
      status: 'CANCELLED',
      error: expect.stringMatching(/^No agent may do it now: claude \(.*was not found/),
    },
  ]);
  const { claimedAt } = held.attempts[0] as { claimedAt: Date };
  expect((held.availableAt?.getTime() ?? 0) - claimedAt.getTime()).toBe(60_000);
  await work.database.database.pool.query('SELECT dequeue_tasks(ARRAY[$1::uuid])', [task.id.slice(5)]);
  await work.database.database.pool.query('UPDATE tasks SET available_at = NULL WHERE id = $1', [
    task.id.slice(5),
  ]);
  await work.database.database.pool.query('SELECT enqueue_tasks(ARRAY[$1::uuid], now())', [task.id.slice(5)]);
  await until(async () => {
    const { attempts, availableAt } = await work.engine.getTask(task.id);
    return attempts.length === 2 && availableAt !== null;
  }, 'the task to be given back again');
  const again = await work.engine.getTask(task.id);
  const laterAt = again.attempts[0]?.claimedAt as Date;
  expect((again.availableAt?.getTime() ?? 0) - laterAt.getTime()).toBe(120_000);
  // What lies behind it is not held up.
  install();
  const { id } = await work.task(orchestrator);
  const givenMs = performance.now();
  expect((await work.untilStatus(id, 'DONE')).attempts[0]).toMatchObject({ agent: 'claude' });
  expect(performance.now() - givenMs).toBeLessThan(30_000);
});

it('takes turns, stores every decision with its reason, and shows it while the agent works', async () => {
  const gate = work.path('gate');
  const pids = work.path('pids');
  const orchestrator = await work.orchestrator();
  const agent = await router({ rules: [{ name: 'turns', agents: ['a', 'b'], strategy: 'round_robin' }] }, [
    agentCalled('a'),
    agentCalled('b'),
  ]);
  await work.daemon({ orchestrators: [orchestrator.id], agent, slots: 1 }).start();
  const held = await work.task(orchestrator, { title: 'Fix the crash', metadata: { gate, pids } });
  await until(() => readPidFile(pids).length === 1, 'the agent to run');
  const routeOfIt = async () => (await work.engine.getTask(held.id)).attempts[0]?.route;
  await until(async () => (await routeOfIt()) !== undefined, 'the route to be stored');
  const running = await routeOfIt();
  expect(running).toMatchObject({ rule: 'turns', strategy: 'round_robin', taskType: 'bug' });
  expect(running?.reason).toContain('because the rule "turns" takes every task. It is its turn.');
  await work.open(gate);
  const tasks = [held.id];
  for (let more = 0; more < 3; more += 1) tasks.push((await work.task(orchestrator)).id);
  for (const id of tasks) await work.untilStatus(id, 'DONE');
  const given = (await Promise.all(tasks.map(agentsOf))).flat().map((one) => one.split(' ')[0]);
  expect(given.filter((one) => one === 'a')).toHaveLength(2);
  expect(given.filter((one) => one === 'b')).toHaveLength(2);
  const { events } = await work.engine.listTaskEvents(held.id);
  expect(events.filter(({ type }) => type === 'attempt.routed')).toHaveLength(1);
  const [attempt] = (await work.engine.getTask(held.id)).attempts;
  expect(attempt?.metrics).toMatchObject({ route: running });
});

it('takes a changed file up while the daemon runs, and keeps to the last good one while it is broken', async () => {
  const file = work.path('router.config.json');
  const rule = (agent: string) => JSON.stringify({ rules: [{ agents: [agent], fallback: false }] });
  writeFileSync(file, rule('a'));
  const problems: string[] = [];
  const config = await followRouterConfig(file, { onProblem: ({ message }) => problems.push(message) });
  const agent = await routeAgents({
    adapters: new Map(['a', 'b'].map((name) => [name, agentCalled(name)])),
    ...{ config, named: false, project: null },
  });
  const orchestrator = await work.orchestrator();
  await work.daemon({ orchestrators: [orchestrator.id], agent }).start();
  const next = async () => {
    const { id } = await work.task(orchestrator);
    await work.untilStatus(id, 'DONE');
    return (await agentsOf(id)).join();
  };
  expect(await next()).toBe('a SUCCEEDED');
  writeFileSync(file, rule('b'));
  expect(await next()).toBe('b SUCCEEDED');
  writeFileSync(file, '{"rules": [{"agents": []}]}');
  expect(await next()).toBe('b SUCCEEDED');
  expect(await next()).toBe('b SUCCEEDED');
  expect(problems).toHaveLength(1);
});

it('learns from what the server counted, and chooses without it where the server does not tell', async () => {
  const orchestrator = await work.orchestrator();
  const agent = await router({ rules: [{ agents: ['weak', 'strong'], strategy: 'auto' }] }, [
    agentCalled('weak'),
    agentCalled('strong'),
  ]);
  const problems: unknown[] = [];
  agent.useFigures(
    followFigures({ client: work.client(), freshMs: 0, onProblem: (error) => problems.push(error) }),
  );
  // Twenty of each, told as a daemon tells them.
  for (let round = 0; round < 40; round += 1) {
    const name = round % 2 === 0 ? 'weak' : 'strong';
    const task = await work.task(orchestrator);
    const { claims } = await work.engine.claimNextTask(orchestrator.id, { leaseSeconds: 30 });
    await work.engine.completeTask(task.id, {
      status: name === 'weak' ? 'failed' : 'completed',
      attemptId: claims[0]?.attempt.id,
      metrics: { agent: name, route: { taskType: 'bug' } },
    });
    if (name === 'weak') await work.engine.cancelTask(task.id);
  }
  await work.daemon({ orchestrators: [orchestrator.id], agent, slots: 1 }).start();
  const given: string[] = [];
  for (let more = 0; more < 6; more += 1) {
    const { id } = await work.task(orchestrator, { title: 'Fix the crash at start' });
    const { attempts } = await work.untilStatus(id, 'DONE');
    given.push(attempts[0]?.agent ?? '');
  }
  expect(given.filter((one) => one === 'strong').length).toBeGreaterThanOrEqual(5);
  expect(problems).toEqual([]);
  work.server.fault = ({ name }) => (name === 'getAgentFigures' ? { kind: 'answer', status: 500 } : null);
  const { id } = await work.task(orchestrator);
  await work.untilStatus(id, 'DONE');
  expect(problems).toHaveLength(1);
});

it('does its work under a server that knows nothing of routes', async () => {
  work.server.fault = ({ name }) => (name === 'recordRoute' ? { kind: 'answer', status: 404 } : null);
  const orchestrator = await work.orchestrator();
  const agent = await router({ rules: [] }, [agentCalled('a')]);
  await work.daemon({ orchestrators: [orchestrator.id], agent }).start();
  const { id } = await work.task(orchestrator);
  const { attempts } = await work.untilStatus(id, 'DONE');
  // What it ended with says it.
  expect(attempts[0]?.route).toMatchObject({ agent: 'a', strategy: 'fixed' });
});
