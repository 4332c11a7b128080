import { expect, it } from 'vitest';
import type { AgentAdapter, AgentVerdict } from '../../src/agents/agentAdapter.js';
import { providerOf } from '../../src/agents/providerOf.js';
import { routeAgents } from '../../src/coordinator/routeAgents.js';
import { DEFAULT_ROUTER_CONFIG } from '../../src/routing/index.js';
import { createHeldAgents } from '../../src/worker/heldAgents.js';
import { openWorkplace, readPidFile, until } from './support/workplace.js';

const work = openWorkplace();

/** The shell's agent under another name, whose provider refuses as long as `refusal` gives a verdict. */
function agentCalled(name: string, refusal: () => AgentVerdict | null = () => null): AgentAdapter {
  const real = work.agent();
  return { ...real, name, result: (ending) => refusal() ?? real.result(ending) };
}

const QUOTA = {
  status: 'failed',
  failureClass: 'provider',
  code: 'QUOTA_EXCEEDED',
  error: 'Used up',
} as const;

const route = (adapters: readonly AgentAdapter[]) =>
  routeAgents({
    adapters: new Map(adapters.map((adapter) => [adapter.name, adapter])),
    config: DEFAULT_ROUTER_CONFIG,
    named: true,
    project: null,
  });

const breakerOf = async (agent: string) =>
  (await work.engine.listBreakers()).find((breaker) => breaker.agent === agent);

it('sends the work to the next agent while a quota holds the first one, on every daemon', async () => {
  const resetAt = new Date(Date.now() + 3_600_000).toISOString();
  const orchestrator = await work.orchestrator();
  const task = await work.task(orchestrator);
  const agents = () => route([agentCalled('claude', () => ({ ...QUOTA, resetAt })), agentCalled('codex')]);
  const first = work.daemon({ orchestrators: [orchestrator.id], agent: await agents() });
  await first.start();
  const done = await work.untilStatus(task.id, 'DONE');
  expect(done.attempts.map(({ status, metrics }) => [status, (metrics as { agent?: string }).agent])).toEqual(
    [
      ['SUCCEEDED', 'codex'],
      ['FAILED', 'claude'],
    ],
  );
  expect(done.attempts[1]?.metrics).toMatchObject({ provider: 'anthropic', code: 'QUOTA_EXCEEDED', resetAt });
  // Not the task's own budget.
  expect(done.failureCount).toBe(0);
  expect(await breakerOf('claude')).toMatchObject({
    provider: 'anthropic',
    status: 'open',
    openUntil: new Date(resetAt),
    reason: 'Used up',
  });
  // Another daemon never tries it.
  await first.drain();
  const second = work.daemon({ orchestrators: [orchestrator.id], agent: await agents() });
  await second.start();
  const other = await work.task(orchestrator);
  const { attempts } = await work.untilStatus(other.id, 'DONE');
  expect(attempts.map(({ metrics }) => (metrics as { agent?: string }).agent)).toEqual(['codex']);
  await work.engine.forceBreaker({ agent: 'claude', provider: 'anthropic', to: 'closed' });
});

it('gives the task to the next agent when the provider of the first one fails without a word about when it will be back', async () => {
  const down = { status: 'failed', failureClass: 'provider', code: 'PROVIDER_ERROR', error: '529' } as const;
  const orchestrator = await work.orchestrator();
  const task = await work.task(orchestrator, { backoff: { baseSeconds: 1, capSeconds: 1 } });
  const daemon = work.daemon({
    orchestrators: [orchestrator.id],
    agent: await route([agentCalled('opencode', () => down), agentCalled('codex')]),
  });
  await daemon.start();
  const { attempts } = await work.untilStatus(task.id, 'DONE');
  expect(attempts.map(({ metrics }) => (metrics as { agent?: string }).agent)).toEqual(['codex', 'opencode']);
  expect(attempts[0]?.route?.reason).toContain('opencode (its provider failed at this task)');
  await daemon.drain();
});

it('gives a task back where no agent is left, at the cost of no budget, and does it once the breaker closes', async () => {
  const named = { agent: 'gemini', provider: 'google' };
  await work.engine.forceBreaker({ ...named, to: 'open', reason: 'Too dear' });
  const orchestrator = await work.orchestrator();
  const task = await work.task(orchestrator, { maxAttempts: 1 });
  const daemon = work.daemon({
    orchestrators: [orchestrator.id],
    agent: await route([agentCalled('gemini')]),
  });
  await daemon.start();
  await until(
    async () => (await work.engine.getTask(task.id)).availableAt !== null,
    'the task to be given back',
  );
  const held = await work.engine.getTask(task.id);
  expect(held).toMatchObject({ status: 'TODO', failureCount: 0, lostCount: 0 });
  expect((held.availableAt?.getTime() ?? 0) - Date.now()).toBeGreaterThan(250_000);
  expect(held.attempts[0]).toMatchObject({
    status: 'CANCELLED',
    error: 'No agent may do it now: gemini (held back: Too dear)',
  });
  await work.engine.forceBreaker({ ...named, to: 'closed' });
  await work.untilStatus(task.id, 'DONE');
});

it('lets one attempt through to see, and closes the breaker by its success', async () => {
  const named = { agent: 'cursor', provider: 'cursor' };
  await work.engine.forceBreaker({ ...named, to: 'open' });
  await work.engine.releaseBreaker(named);
  const gate = work.path('gate');
  const pids = work.path('pids');
  const orchestrators = [await work.orchestrator(), await work.orchestrator()];
  const tasks = await Promise.all(
    orchestrators.flatMap((orchestrator) => [
      work.task(orchestrator, { metadata: { gate, pids } }),
      work.task(orchestrator, { metadata: { gate, pids } }),
    ]),
  );
  for (const orchestrator of orchestrators) {
    const agent = await route([agentCalled('cursor')]);
    await work.daemon({ orchestrators: [orchestrator.id], agent }).start();
  }
  const heldBack = async () => {
    const seen = await Promise.all(tasks.map(({ id }) => work.engine.getTask(id)));
    return seen.filter(({ availableAt }) => availableAt !== null).length;
  };
  await until(async () => (await heldBack()) === 3, 'all but one to be given back');
  await until(() => readPidFile(pids).length > 0, 'the one that is let through');
  expect(readPidFile(pids)).toHaveLength(1);
  await work.open(gate);
  for (const { id } of tasks) await work.untilStatus(id, 'DONE');
  expect(await breakerOf('cursor')).toMatchObject({ status: 'closed', trips: 0 });
});

it('lets one attempt of three daemon processes through, and closes the breaker for all of them', async () => {
  const named = { agent: 'shell', provider: 'local' };
  await work.engine.forceBreaker({ ...named, to: 'open' });
  await work.engine.releaseBreaker(named);
  const [gate, pids] = [work.path('gate'), work.path('pids')];
  const orchestrators = await Promise.all([1, 2, 3].map(() => work.orchestrator()));
  const tasks = await Promise.all(
    orchestrators.flatMap((orchestrator) =>
      [1, 2].map(() => work.task(orchestrator, { metadata: { gate, pids } })),
    ),
  );
  await Promise.all(orchestrators.map(({ id }) => work.daemonProcess({ orchestrators: [id] })));
  const seen = () => Promise.all(tasks.map(({ id }) => work.engine.getTask(id)));
  await until(
    async () => (await seen()).filter(({ availableAt }) => availableAt !== null).length === 5,
    'all but one to be given back',
  );
  await until(() => readPidFile(pids).length > 0, 'the one that is let through');
  expect(readPidFile(pids)).toHaveLength(1);
  const [probe, ...others] = (await seen()).filter(({ status }) => status === 'IN_PROGRESS');
  expect(others).toEqual([]);
  expect(await breakerOf('shell')).toMatchObject({
    status: 'half_open',
    probeAttemptId: probe?.attempts[0]?.id,
  });
  const daemons = (await seen()).map(({ attempts }) => attempts[0]?.daemonId);
  expect(new Set(daemons).size).toBe(3);
  await work.open(gate);
  for (const { id } of tasks) await work.untilStatus(id, 'DONE');
  expect(await breakerOf('shell')).toMatchObject({ status: 'closed', trips: 0 });
});

it('asks for no permit while every breaker is closed', async () => {
  const orchestrator = await work.orchestrator();
  const task = await work.task(orchestrator);
  await work.daemon({ orchestrators: [orchestrator.id] }).start();
  await work.untilStatus(task.id, 'DONE');
  expect(work.server.calls.filter(({ name }) => name === 'requestPermit')).toEqual([]);
});

it('knows whose service an agent needs, by its model where it may use several', () => {
  expect(providerOf('claude', 'opus')).toBe('anthropic');
  expect(providerOf('opencode', 'Anthropic/claude-opus')).toBe('anthropic');
  expect(providerOf('opencode', 'openrouter/meta/llama')).toBe('openrouter');
  for (const model of [undefined, '', 'gpt-5', '/x', 'x/', '../etc/passwd'])
    expect(providerOf('aider', model)).toBe('default');
});

it('asks for a permit where an attempt of its own has just failed by an agent, whatever the last claim said', () => {
  const held = createHeldAgents(() => undefined);
  held.update([]);
  expect(held.needsPermit('claude', 'anthropic')).toBe(false);
  held.failed('claude', 'anthropic');
  held.update([]);
  expect(held.needsPermit('claude', 'anthropic')).toBe(true);
  expect(held.needsPermit('opencode', 'anthropic')).toBe(false);
});

it('asks ever less often for work that nobody may do, and at once again when somebody may', () => {
  const pauses: number[] = [];
  const held = createHeldAgents((_, ms) => pauses.push(ms));
  for (let round = 0; round < 6; round += 1) held.gaveBack('orch_1');
  held.found('orch_1');
  held.gaveBack('orch_1');
  expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 1_000]);
});
