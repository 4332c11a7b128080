import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { afterEach, expect, it } from 'vitest';
import { isAlive } from '../../daemon/test/process/processes.js';
import { openWorkplace, readPidFile, until } from '../../daemon/test/worker/support/workplace.js';
import { environmentOf } from './support/environmentOf.js';
import { BIN, bareEnvironment, runNeolith } from './support/runNeolith.js';

const work = openWorkplace();

const environment = () => environmentOf(work);
const run = (...args: string[]) => runNeolith(args, environment());

async function writePlan(name: string, tasks: readonly object[], more: object = {}): Promise<string> {
  const file = work.path(`${name}.json`);
  await writeFile(file, JSON.stringify({ version: 1, name, ...more, tasks }));
  return file;
}

interface Begun {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  out(): string;
  notes(): string;
}

const begun: Pick<Begun, 'child' | 'ended'>[] = [];
// Also where a test failed: neither the command nor the agents that it leaves behind may live on.
afterEach(async () => {
  for (const { child, ended } of begun.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
  }
  for (const pid of readPidFile(work.path('pids')).filter(isAlive)) process.kill(pid, 'SIGKILL');
});

function begin(...args: string[]): Begun {
  const child = spawn(process.execPath, [BIN, ...args], {
    env: bareEnvironment(environment()),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let notes = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    notes += chunk.toString();
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  begun.push({ child, ended });
  return { child, ended, out: () => out, notes: () => notes };
}

const find = async (name: string) => {
  const found = (await work.engine.listRuns({ source: name })).runs[0];
  if (found === undefined) throw new Error(`No run ${name}`);
  return found;
};
/** Writes its pid and waits for the gate. */
const gated = (gate: string, pids: string) =>
  `echo $$ >> ${pids}; while [ ! -e ${gate} ]; do sleep 0.05; done`;

it('does a plan to its end: 0, each task once, and the second time there is nothing to do', async () => {
  const ada = await work.orchestrator({ name: 'Ada execute' });
  const log = work.path('done');
  const file = await writePlan('Executed', [
    { id: 'a', title: 'First' },
    { id: 'b', title: 'Second', dependsOn: ['a'] },
    { id: 'c', title: 'Third' },
  ]);
  const args = [
    'execute',
    file,
    '--orchestrator',
    'Ada execute',
    '--shell-command',
    `echo $NEOLITH_TASK_ID >> ${log}`,
  ];
  const other = await work.task(ada, { title: 'Of no run' });
  const { code, stdout } = await run(...args);
  expect(stdout).toMatch(/succeeded {2}100 % {2}3\/3 done\n/);
  expect(stdout).toMatch(/succeeded after \d+ s: 3\/3 done/);
  expect(code).toBe(0);
  expect(readFileSync(log, 'utf8').trim().split('\n')).toHaveLength(3);
  const made = await find('Executed');
  // As many at once as there may be agents, and nothing of others.
  expect(made.config.maxConcurrentTasks).toBe(5);
  expect((await work.engine.getTask(other.id)).status).toBe('TODO');
  expect((await work.engine.listDaemons()).find(({ name }) => name.endsWith(made.id))).toMatchObject({
    state: 'STOPPED',
    slots: 5,
  });
  const again = await run(...args);
  expect(again.code).toBe(0);
  expect(again.stderr).toContain('nothing to do');
  expect(readFileSync(log, 'utf8').trim().split('\n')).toHaveLength(3);
});

it('tells events and progress as JSON lines, none of them left out', async () => {
  await work.orchestrator({ name: 'Ada lines' });
  const file = await writePlan('Lines', [
    { id: 'a', title: 'A' },
    { id: 'b', title: 'B', dependsOn: ['a'] },
  ]);
  const { code, stdout, stderr } = await run(
    ...['execute', file, '--orchestrator', 'Ada lines', '--shell-command', 'echo "progress: 50%"', '--json'],
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines[0]).toMatchObject({ kind: 'imported', result: { created: [{}, {}] } });
  expect(lines.at(-1)).toMatchObject({ kind: 'ended', run: { status: 'SUCCEEDED' }, exitCode: 0 });
  const told = lines.filter(({ kind }) => kind === 'event').map(({ event }) => event.cursor);
  const { events } = await work.engine.getRunHistory((await find('Lines')).id, { limit: 500 });
  expect(told).toEqual(events.map(({ cursor }) => cursor));
  expect(lines.filter(({ kind }) => kind === 'progress').at(-1)).toMatchObject({
    progress: { percent: 100 },
  });
});

it('runs the merge stage by a command of its own', async () => {
  await work.orchestrator({ name: 'Ada merges' });
  const file = await writePlan('Merges', [{ id: 'a', title: 'A' }], { run: { mergeStage: true } });
  const merged = work.path('merged');
  const { code } = await run(
    ...['execute', file, '--orchestrator', 'Ada merges', '--shell-command', 'true'],
    ...['--merge-command', `echo $NEOLITH_TASK_ID > ${merged}`],
  );
  expect(code).toBe(0);
  const { tasks } = await work.engine.listTasks({ runId: (await find('Merges')).id });
  expect(readFileSync(merged, 'utf8').trim()).toBe(tasks[0]?.id);
});

it('ends with 5 when the run fails, and says what can be done; a second time with 4', async () => {
  await work.orchestrator({ name: 'Ada fails' });
  const file = await writePlan('Fails', [
    { id: 'a', title: 'Bound to fail', maxAttempts: 1 },
    { id: 'b', title: 'Waits', dependsOn: ['a'] },
  ]);
  const args = ['execute', file, '--orchestrator', 'Ada fails', '--shell-command', 'echo no >&2; exit 1'];
  const { code, stdout, stderr } = await run(...args);
  expect(code).toBe(5);
  expect(stderr).toContain('✗ Bound to fail: failed: ');
  expect(stdout).toContain(`neolith runs retry ${(await find('Fails')).id}`);
  const again = await run(...args);
  expect(again.code).toBe(4);
  expect(again.stderr).toContain('is failed; nothing was executed');
});

it('ends with 6 when too much fails, and with 7 when somebody stops the run', async () => {
  await work.orchestrator({ name: 'Ada stops' });
  const bad = await writePlan('Bad', [{ id: 'a', title: 'A' }], {
    run: { failureThreshold: { consecutive: 1 } },
  });
  const quarantined = await run(
    ...['execute', bad, '--orchestrator', 'Ada stops', '--shell-command', 'exit 1'],
  );
  expect(quarantined.code).toBe(6);
  expect(quarantined.stdout).toContain('neolith runs release');

  const file = await writePlan('Stopped', [{ id: 'a', title: 'A' }]);
  const pids = work.path('pids');
  const { ended } = begin(
    ...['execute', file, '--orchestrator', 'Ada stops', '--shell-command', gated(work.path('never'), pids)],
  );
  await until(() => readPidFile(pids).length === 1, 'the agent');
  await work.engine.stopRun((await find('Stopped')).id);
  expect(await ended).toBe(7);
  expect(readPidFile(pids).filter(isAlive)).toEqual([]);
});

it('Ctrl-C pauses and lets agents finish, and says how to go on; going on does the rest', async () => {
  await work.orchestrator({ name: 'Ada interrupted' });
  const gate = work.path('gate');
  const pids = work.path('pids');
  const file = await writePlan('Interrupted', [
    { id: 'a', title: 'A' },
    { id: 'b', title: 'B', dependsOn: ['a'] },
  ]);
  const command = ['--shell-command', gated(gate, pids)];
  const first = begin('execute', file, '--orchestrator', 'Ada interrupted', ...command);
  await until(() => readPidFile(pids).length === 1, 'the agent');
  first.child.kill('SIGINT');
  await until(() => first.notes().includes('1 running task may finish'), 'the pause');
  const { id } = await find('Interrupted');
  await until(async () => (await work.engine.getRun(id)).status === 'PAUSED', 'the run to be paused');
  await work.open(gate);
  expect(await first.ended).toBe(130);
  expect(first.out()).toContain(`neolith execute --run ${id}`);
  expect(await work.engine.getRun(id)).toMatchObject({ status: 'PAUSED', counts: { done: 1, todo: 1 } });

  const second = await run('execute', '--run', 'interrupted', ...command);
  expect(second.stdout).toContain('2/2 done');
  expect(second.code).toBe(0);
  expect(readPidFile(pids)).toHaveLength(2);
});

it('a second Ctrl-C ends the agents at once and gives their tasks back', async () => {
  await work.orchestrator({ name: 'Ada forced' });
  const pids = work.path('pids');
  const file = await writePlan('Forced', [{ id: 'a', title: 'A' }]);
  const { child, ended, out, notes } = begin(
    ...['execute', file, '--orchestrator', 'Ada forced', '--json'],
    ...['--shell-command', `trap '' TERM; ${gated(work.path('never'), pids)}`],
  );
  await until(() => readPidFile(pids).length === 1, 'the agent');
  const { id } = await find('Forced');
  child.kill('SIGINT');
  await until(
    async () => (await work.engine.getRun(id)).status === 'PAUSED',
    () => `the pause: ${notes()}`,
  );
  // Within 300 ms two signals count as one, which npm has passed on.
  const pausedMs = performance.now();
  await until(() => performance.now() - pausedMs > 350, 'the next signal to be another one');
  child.kill('SIGINT');
  expect(await ended).toBe(130);
  expect(readPidFile(pids).filter(isAlive)).toEqual([]);
  const { tasks } = await work.engine.listTasks({ runId: id });
  expect(tasks[0]).toMatchObject({ status: 'TODO', failureCount: 0, lostCount: 0 });
  const lines = out()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const told = lines.filter(({ kind }) => kind === 'event').map(({ event }) => event.type);
  expect(told).toEqual(expect.arrayContaining(['run.paused', 'task.released']));
  expect(lines.at(-1)).toMatchObject({ kind: 'interrupted', run: { status: 'PAUSED' }, exitCode: 130 });
});

it("gives what is nobody's to an orchestrator called Local where there are several", async () => {
  await work.orchestrator({ name: 'Ada and another' });
  await work.orchestrator({ name: 'Ben and another' });
  const file = await writePlan('Nobodys', [{ id: 'a', title: 'A' }]);
  expect((await run('execute', file, '--shell-command', 'true')).code).toBe(0);
  const [task] = (await work.engine.listTasks({ runId: (await find('Nobodys')).id })).tasks;
  const local = (await work.engine.listOrchestrators()).find(({ name }) => name === 'Local');
  expect(task).toMatchObject({ status: 'DONE', orchestratorId: local?.id });
});

it('starts and stores nothing where no agent could do it, and nothing that is not said clearly', async () => {
  const file = await writePlan('Agentless', [{ id: 'a', title: 'A' }]);
  const nowhere = { ...environment(), PATH: work.path('empty'), HOME: work.path('empty') };
  const agentless = await runNeolith(['execute', file, '--work-directory', '.'], nowhere, work.directory);
  expect(agentless.code).toBe(2);
  expect(agentless.stderr).toContain('Nobody here can do the task "A"');
  expect(agentless.stderr).toContain('--shell-command');
  expect((await work.engine.listRuns({ source: 'Agentless' })).runs).toEqual([]);
  expect((await run('execute', '--shell-command', 'true')).code).toBe(2);
  expect((await run('execute', file, '--run', 'x', '--shell-command', 'true')).code).toBe(2);
});

it('goes on through a server that is away for a while', async () => {
  await work.orchestrator({ name: 'Ada patient' });
  const gate = work.path('gate');
  const pids = work.path('pids');
  const file = await writePlan('Patient', [{ id: 'a', title: 'A' }]);
  const { ended, notes } = begin(
    ...['execute', file, '--orchestrator', 'Ada patient', '--shell-command', gated(gate, pids)],
  );
  await until(() => readPidFile(pids).length === 1, 'the agent');
  await work.server.goAway();
  await until(() => notes().includes('still trying'), 'the trouble to be told');
  await work.server.comeBack();
  await work.open(gate);
  expect(await ended).toBe(0);
});

it('ends its agents on a second Ctrl-C although the server is away, and does not fall over', async () => {
  await work.orchestrator({ name: 'Ada cut off' });
  const pids = work.path('pids');
  const file = await writePlan('Cut off', [{ id: 'a', title: 'A' }]);
  const { child, ended, notes } = begin(
    ...['execute', file, '--orchestrator', 'Ada cut off', '--shell-command'],
    gated(work.path('gate'), pids),
  );
  await until(() => readPidFile(pids).length === 1, 'the agent');
  await work.server.goAway();
  child.kill('SIGINT');
  await until(() => notes().includes('Pausing: 1 running task may finish'), 'the first word');
  // Within 300 ms two signals count as one, which npm has passed on.
  const firstMs = performance.now();
  await until(() => performance.now() - firstMs > 350, 'the next signal to be another one');
  child.kill('SIGINT');
  await until(() => notes().includes('Ending the agents') || child.exitCode !== null, 'the second word');
  expect(await ended).not.toBe(0);
  expect(notes()).not.toMatch(/at .*\.js:\d+/);
  expect(readPidFile(pids).filter(isAlive)).toEqual([]);
});

it('gives up a start that the server never answers, at Ctrl-C', async () => {
  const ada = await work.orchestrator({ name: 'Ada mute' });
  const { id } = await work.engine.createRun({
    name: 'Mute',
    orchestratorId: ada.id,
    tasks: [{ title: 'A', key: 'a' }],
  });
  work.server.fault = ({ name }) => (name === 'getRunSnapshot' ? { kind: 'never_answer' } : null);
  const { child, ended, notes } = begin('execute', '--run', id, '--shell-command', 'true');
  await until(() => work.server.calls.some(({ name }) => name === 'getRunSnapshot'), 'the question');
  child.kill('SIGINT');
  expect(await ended).toBe(130);
  expect(notes()).not.toMatch(/at .*\.js:\d+/);
  expect((await work.engine.getRun(id)).status).toBe('PENDING');
});

it('leaves no agent behind when its run is deleted, or its log can not be written', async () => {
  const ada = await work.orchestrator({ name: 'Ada gone' });
  const pids = work.path('pids');
  const { id } = await work.engine.createRun({
    name: 'Gone',
    orchestratorId: ada.id,
    tasks: [{ title: 'A', key: 'a' }],
  });
  await mkdir(work.path('logs'), { recursive: true });
  await symlink('/dev/full', work.path('logs/execute.log'));
  const { ended, notes } = begin('execute', '--run', id, '--shell-command', gated(work.path('gate'), pids));
  await until(() => readPidFile(pids).length === 1, 'the agent');
  await until(() => notes().includes("log can't be written"), 'the word about the log');
  work.server.fault = ({ name }) => (name === 'getRunProgress' ? { kind: 'answer', status: 404 } : null);
  expect(await ended).not.toBe(0);
  expect(readPidFile(pids).filter(isAlive)).toEqual([]);
});
