import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunProgress } from '@neolith/contracts';
import { afterEach, expect, it, onTestFinished } from 'vitest';
import {
  type AgentAdapter,
  type Coordinator,
  type CoordinatorOptions,
  createCoordinator,
  createGitMerger,
  gitWorkplace,
  openRepository,
  plainWorkplace,
} from '../../src/index.js';
import { DAEMON_MARKER } from '../../src/process/processSpec.js';
import { IN_VAIN_MS, isAlive } from '../process/processes.js';
import { git, makeRepository } from '../worker/support/repository.js';
import { openWorkplace, readPidFile, until } from '../worker/support/workplace.js';

const work = openWorkplace();

/** Has nothing to run. */
const doneAtOnce: AgentAdapter = {
  name: 'none',
  detect: async () => ({ found: true }),
  start: async () => ({ done: true, output: null }),
  result: () => ({ status: 'completed', output: null }),
};

const coordinators: Coordinator[] = [];
// Also where a test failed: nothing of it may live on. By then the server may be closed.
afterEach(async () => {
  await Promise.all(coordinators.splice(0).map((made) => made.cancelAll().catch(() => undefined)));
});

function coordinator(overrides: Partial<CoordinatorOptions> = {}): Coordinator {
  const made = createCoordinator({
    client: work.client(),
    agent: work.agent(
      `echo $$ >> ${work.path('pids')}; while [ ! -e ${work.path('gate')} ]; do sleep 0.05; done`,
    ),
    attemptsDirectory: work.path('attempts'),
    workplace: plainWorkplace(null),
    graceMs: 300,
    ...overrides,
  });
  coordinators.push(made);
  return made;
}

async function storedRun(config: Parameters<typeof work.engine.createRun>[0]['config'] = {}) {
  const orchestrator = await work.orchestrator();
  return work.engine.createRun({
    name: 'Stored',
    orchestratorId: orchestrator.id,
    config,
    tasks: [{ title: 'A', key: 'a' }],
  });
}

const agentPids = () => readPidFile(work.path('pids'));
const untilItRuns = () => until(() => agentPids().length >= 1, 'the agent');

it.each(['pauseAtOnce', 'cancelAll'] as const)(
  '%s ends the agents although the server is away, and tells that it could not be told',
  async (ending) => {
    const made = coordinator();
    const run = await storedRun();
    await made.execute({ runId: run.id });
    await untilItRuns();
    await work.server.goAway();
    await expect(made[ending]()).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
    expect(agentPids().filter(isAlive)).toEqual([]);
    await work.server.comeBack();
  },
);

it('is ended also while it is being started: nothing is handed out', async () => {
  const made = coordinator();
  const run = await storedRun();
  const started = made.execute({ runId: run.id });
  const refused = expect(started).rejects.toMatchObject({ code: 'STOPPED_WHILE_STARTING' });
  await made.pause();
  await refused;
  expect((await work.engine.getRun(run.id)).status).toBe('PENDING');
  // It may begin again.
  await work.open(work.path('gate'));
  await made.execute({ runId: run.id });
  expect((await made.waitForCompletion(IN_VAIN_MS)).run.status).toBe('SUCCEEDED');
});

it('ends its agents when the run can not be watched any more', async () => {
  const made = coordinator();
  const run = await storedRun();
  await made.execute({ runId: run.id });
  await untilItRuns();
  work.server.fault = ({ name }) => (name === 'getRunProgress' ? { kind: 'answer', status: 404 } : null);
  await expect(made.waitForCompletion(IN_VAIN_MS)).rejects.toThrow();
  expect(agentPids().filter(isAlive)).toEqual([]);
});

it('ends with its run although nobody waits, and can then execute another', async () => {
  const made = coordinator();
  await work.open(work.path('gate'));
  const first = await storedRun();
  await made.execute({ runId: first.id });
  await until(async () => (await work.engine.getRun(first.id)).status === 'SUCCEEDED', 'the run to end');
  const second = await storedRun();
  await until(async () => {
    try {
      await made.execute({ runId: second.id });
      return true;
    } catch (error) {
      expect(error).toMatchObject({ code: 'ALREADY_EXECUTING' });
      return false;
    }
  }, 'the daemon of the first to stop');
  expect((await made.waitForCompletion(IN_VAIN_MS)).run).toMatchObject({
    id: second.id,
    status: 'SUCCEEDED',
  });
  // The name of each run's daemon goes with it.
  expect(readdirSync(work.path('attempts'))).toEqual([]);
});

it('says that what agents write is not kept where they have no workplace', async () => {
  await work.open(work.path('gate'));
  const { workplace: _none, ...rest } = { workplace: undefined };
  const made = createCoordinator({
    client: work.client(),
    agent: work.agent('true'),
    attemptsDirectory: work.path('attempts'),
    ...rest,
  });
  coordinators.push(made);
  const run = await storedRun();
  const { hints } = await made.execute({ runId: run.id });
  expect(hints.join('\n')).toContain('gitWorkplace');
  await made.waitForCompletion(IN_VAIN_MS);
});

it('gives a run that was stored without a merge stage one, where there is somebody to merge', async () => {
  const repository = await openRepository({
    path: makeRepository(work.path('repository')),
    worktreesDirectory: work.path('worktrees'),
    environment: process.env,
  });
  const made = coordinator({
    agent: work.agent('echo made > made.txt'),
    workplace: gitWorkplace({ repository, targetBranch: null }),
    merger: createGitMerger({ repository, strategy: 'rebase', check: null }),
  });
  const run = await storedRun({ mergeStage: false });
  const { hints } = await made.execute({ runId: run.id });
  expect(hints.join('\n')).toContain('merge stage');
  const { run: ended } = await made.waitForCompletion(IN_VAIN_MS);
  expect(ended).toMatchObject({ status: 'SUCCEEDED', config: { mergeStage: true } });
  const target = `neolith/run_${run.id.slice('run_'.length)}`;
  expect(git(repository.path, 'ls-tree', '--name-only', target)).toContain('made.txt');
});

it('starts and stops single agents beside any run, and forgets none that runs', async () => {
  const made = coordinator();
  const id = await made.spawnAgent({
    adapter: work.agent(`echo here; echo $$ >> ${work.path('pids')}; sleep 1000`),
    prompt: 'Wait',
    directory: work.directory,
  });
  await untilItRuns();
  await until(() => made.collectAgentLogs(id).includes('here'), 'its output');
  expect(made.monitorAgentHealth(id)).toMatchObject({ id, agent: 'shell', status: 'running', report: null });
  // With no run at all.
  await made.cancelAll();
  expect(agentPids().filter(isAlive)).toEqual([]);
  expect(made.monitorAgentHealth(id).report?.verdict.status).toBe('terminated');
  expect(() => made.monitorAgentHealth('agent_of_others')).toThrow(/spawnAgent/);
});

it('has nothing to do where no task is open, and says how the run stands', async () => {
  const made = coordinator();
  const orchestrator = await work.orchestrator();
  const run = await work.engine.createRun({
    name: 'Cancelled before',
    orchestratorId: orchestrator.id,
    tasks: [{ title: 'A', key: 'a' }],
  });
  const [task] = (await work.engine.listTasks({ runId: run.id })).tasks;
  await work.engine.cancelTask(task?.id as string);
  const { hints } = await made.execute({ runId: run.id });
  expect(hints).toEqual([]);
  const { run: ended } = await made.waitForCompletion(IN_VAIN_MS);
  expect(ended.counts).toMatchObject({ total: 1, cancelled: 1 });
  expect(agentPids()).toEqual([]);
});

it('is not ended by whoever watches it', async () => {
  const made = coordinator();
  const run = await storedRun();
  await made.execute({ runId: run.id });
  let looks = 0;
  const fail = () => {
    looks += 1;
    throw new Error('of the listener');
  };
  made.monitorProgress({ onProgress: fail, onTrouble: fail });
  made.monitorProgress({ onProgress: fail, onTrouble: fail, onEvent: fail });
  await until(() => looks >= 4, 'some looks');
  await untilItRuns();
  expect(agentPids().filter(isAlive)).toHaveLength(1);
  await work.open(work.path('gate'));
  expect((await made.waitForCompletion(IN_VAIN_MS)).run.status).toBe('SUCCEEDED');
});

it('tells who listens to events how the run stood at its end, whenever it looked last', async () => {
  const made = coordinator();
  await made.execute({ runId: (await storedRun()).id });
  const begunMs = performance.now();
  await untilItRuns();
  // Both look each second: this one half a second after the coordinator, which ends as soon as it has seen the end.
  await delay((1_500 - ((performance.now() - begunMs) % 1_000)) % 1_000);
  const seen: RunProgress[] = [];
  const events: string[] = [];
  made.monitorProgress({
    onProgress: (progress) => seen.push(progress),
    onEvent: ({ type }) => events.push(type),
    onTrouble: (error) => {
      throw error;
    },
  });
  await until(() => seen.length > 0, 'a look');
  await work.open(work.path('gate'));
  await made.waitForCompletion(IN_VAIN_MS);
  expect(events.at(-1)).toBe('run.succeeded');
  expect(seen.at(-1)).toMatchObject({ status: 'SUCCEEDED', percent: 100 });
});

it('ends an agent that is just being started', async () => {
  const made = coordinator();
  const starting = made.spawnAgent({
    adapter: work.agent('exec sleep 1000'),
    prompt: 'Wait',
    directory: work.directory,
  });
  await made.cancelAll();
  expect(made.monitorAgentHealth(await starting)).toMatchObject({ status: 'ended' });
});

it('leaves a run without a merge stage as it is once it was begun', async () => {
  const repository = await openRepository({
    path: makeRepository(work.path('repository')),
    worktreesDirectory: work.path('worktrees'),
    environment: process.env,
  });
  await work.open(work.path('gate'));
  const begun = await storedRun({ mergeStage: false });
  await work.engine.startRun(begun.id);
  const made = coordinator({
    workplace: gitWorkplace({ repository, targetBranch: null }),
    merger: createGitMerger({ repository, strategy: 'rebase', check: null }),
  });
  const { hints } = await made.execute({ runId: begun.id });
  expect(hints.join('\n')).toContain('nothing is merged');
  expect((await made.waitForCompletion(IN_VAIN_MS)).run.config.mergeStage).toBe(false);
});

it('ends what a coordinator that was killed had left running, before it starts an agent', async () => {
  const left = spawn('sleep', ['1000'], {
    // Of a process that is no more.
    env: { ...process.env, [DAEMON_MARKER]: 'neolith-coordinator:999999999.1' },
    stdio: 'ignore',
  });
  const ended = once(left, 'exit');
  onTestFinished(() => void left.kill('SIGKILL'));
  const made = coordinator();
  await made.spawnAgent({ adapter: work.agent('true'), prompt: 'Do', directory: work.directory });
  expect((await ended)[1]).toBe('SIGTERM');
});

it('knows of ended agents the last hundred', async () => {
  const made = coordinator();
  const ids: string[] = [];
  for (let number = 0; number < 101; number += 1) {
    ids.push(
      await made.spawnAgent({
        adapter: doneAtOnce,
        prompt: 'Do',
        directory: work.directory,
      }),
    );
  }
  for (const id of ids.slice(1)) await made.waitForAgent(id);
  const [first, second] = ids as [string, string];
  await until(() => {
    try {
      return made.monitorAgentHealth(first).id === null;
    } catch (error) {
      return (error as { code?: string }).code === 'AGENT_NOT_SPAWNED';
    }
  }, 'the first to be forgotten');
  expect(made.monitorAgentHealth(second).status).toBe('ended');
});
