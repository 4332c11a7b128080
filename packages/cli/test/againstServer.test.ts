import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { TOKEN } from '../../daemon/test/worker/support/testServer.js';
import { openWorkplace, until } from '../../daemon/test/worker/support/workplace.js';
import { BIN, bareEnvironment, runNeolith } from './support/runNeolith.js';

const work = openWorkplace();
const DIRTY = fileURLToPath(new URL('../../daemon/test/plans/fixtures/dirty/issues.jsonl', import.meta.url));
const CYCLE = fileURLToPath(new URL('../../daemon/test/plans/fixtures/dirty/cycle.yaml', import.meta.url));

const environment = () => ({
  NEOLITH_HOME: work.directory,
  NEOLITH_URL: work.server.url,
  NEOLITH_TOKEN: TOKEN,
});
const run = (...args: string[]) => runNeolith(args, environment());

async function writePlan(tasks: readonly object[], name = 'Plan'): Promise<string> {
  const file = work.path(`${name}.json`);
  await writeFile(file, JSON.stringify({ version: 1, name, tasks }));
  return file;
}

it('imports a plan, finds it unchanged the second time, and updates what changed', async () => {
  const ada = await work.orchestrator({ name: 'Ada import' });
  const grace = await work.orchestrator({ name: 'Grace import' });
  const tasks = [
    { id: 'a', title: 'First', priority: 'HIGH', tags: ['backend'], metadata: { b: { y: 1, x: [2] }, a: 1 } },
    {
      id: 'b',
      title: 'Second',
      dependsOn: ['a'],
      due: '2026-11-21',
      tags: ['design'],
      timeoutMinutes: 0.001,
    },
    { id: 'c', title: 'Done before', status: 'done', acceptanceCriteria: ['it works'] },
  ];
  const file = await writePlan(tasks, 'Updates');
  const args = ['import', file, '--orchestrator', 'ada import', '--assign', 'design=Grace import', '--json'];
  const first = JSON.parse((await run(...args)).stdout);
  expect(first).toMatchObject({
    ok: true,
    source: 'Updates',
    dryRun: false,
    format: 'neolith',
    result: { created: 3, unchanged: 0, updated: 0, unassigned: 0, refused: [] },
  });
  const stored = (await work.engine.listTasks({ source: 'Updates' })).tasks;
  const byId = new Map(stored.map((task) => [task.sourceId, task]));
  expect(byId.get('a')).toMatchObject({ status: 'TODO', orchestratorId: ada.id, priority: 'HIGH' });
  expect(byId.get('b')).toMatchObject({ status: 'BLOCKED', orchestratorId: grace.id, timeoutSeconds: 1 });
  expect(byId.get('c')).toMatchObject({ status: 'DONE' });

  const second = JSON.parse((await run(...args)).stdout);
  expect(second.result).toMatchObject({ created: 0, unchanged: 3, updated: 0 });

  await writePlan(
    [
      { ...tasks[0], title: 'First, renamed' },
      tasks[1] as object,
      { id: 'd', title: 'New', dependsOn: ['b'] },
    ],
    'Updates',
  );
  const third = JSON.parse((await run(...args)).stdout);
  expect(third.result).toMatchObject({ created: 1, unchanged: 1, updated: 1 });
  const now = (await work.engine.listTasks({ source: 'Updates' })).tasks;
  expect(now.map(({ title }) => title).sort()).toEqual(['Done before', 'First, renamed', 'New', 'Second']);
  const added = await work.engine.getTask(now.find(({ sourceId }) => sourceId === 'd')?.id ?? '');
  expect(added.prerequisites.map(({ title }) => title)).toEqual(['Second']);

  await writePlan(
    [tasks[0] as object, { ...tasks[1], dependsOn: ['a', 'e'] }, { id: 'e', title: 'Comes first' }],
    'Updates',
  );
  const fourth = JSON.parse((await run(...args)).stdout);
  expect(fourth.result).toMatchObject({ created: 1, updated: 2, dependenciesAdded: 1, refused: [] });
});

it('prints every problem of a dirty file with its place, imports the rest, and refuses it with --strict', async () => {
  await work.orchestrator({ name: 'Dirty' });
  const { code, stdout, stderr } = await run('import', DIRTY, '--orchestrator', 'Dirty', '--source', 'dirty');
  expect(code).toBe(0);
  const lines = stderr.trim().split('\n');
  for (const line of lines) expect(line).toMatch(/issues\.jsonl:\d+(:\d+)?: (warning|notice) [A-Z_]+: /);
  expect(stderr).toContain('DEPENDENCY_UNKNOWN');
  expect(stderr).toContain('ID_DUPLICATE');
  expect(stdout).toMatch(/created\s+\d+/);
  const { tasks } = await work.engine.listTasks({ source: 'dirty', limit: 500 });
  expect(tasks.length).toBeGreaterThan(5);

  const again = JSON.parse(
    (await run('import', DIRTY, '--orchestrator', 'Dirty', '--source', 'dirty', '--json')).stdout,
  );
  expect(again.result).toMatchObject({ created: 0, unchanged: tasks.length, updated: 0 });
  expect(again.counts.tasks).toBe(tasks.length);
  expect(again.problems).toHaveLength(lines.length);
  expect(again.problems[0]).toMatchObject({
    file: DIRTY,
    line: expect.any(Number),
    code: expect.any(String),
  });

  const strict = await run('import', DIRTY, '--strict', '--source', 'strict');
  expect(strict.code).toBe(1);
  expect(strict.stderr).toContain('Nothing was changed');
  expect((await work.engine.listTasks({ source: 'strict' })).tasks).toEqual([]);
});

it('changes nothing in a dry run, and nothing for a plan with a cycle or an unknown orchestrator', async () => {
  const file = await writePlan([{ id: 'a', title: 'A' }], 'Dry');
  const dry = JSON.parse((await run('import', file, '--dry-run', '--json')).stdout);
  expect(dry).toMatchObject({ dryRun: true, result: { created: 1, unassigned: 1 } });
  const cycle = await run('import', CYCLE);
  expect(cycle.code).toBe(1);
  expect(cycle.stderr).toContain('CYCLE');
  const nobody = await run('import', file, '--orchestrator', 'Nobody');
  expect(nobody.code).toBe(3);
  expect(nobody.stderr).toContain('There is no orchestrator "Nobody"');
  expect((await run('import', file, '--channel', 'nowhere')).code).toBe(3);
  expect((await work.engine.listTasks({ source: 'Dry' })).tasks).toEqual([]);
  const alone = await runNeolith(['import', file, '--dry-run', '--json'], { NEOLITH_HOME: work.directory });
  expect(JSON.parse(alone.stdout)).toMatchObject({ ok: true, result: null });
});

it('creates more tasks than one call takes, with the dependencies across the calls', async () => {
  const tasks = Array.from({ length: 2_300 }, (_, index) => ({
    id: `t${index}`,
    title: `Task ${index}`,
    // Each waits for one that is written after it.
    ...(index < 2_299 ? { dependsOn: [`t${index + 1}`] } : {}),
  }));
  const file = await writePlan(tasks, 'Large');
  const before = work.server.calls.length;
  const { result } = JSON.parse((await run('import', file, '--json')).stdout);
  expect(result).toMatchObject({ created: 2_300, parentsLeftOut: [], refused: [] });
  const calls = work.server.calls.slice(before).filter(({ name }) => name === 'createTasks');
  expect(calls.map(({ body }) => body.tasks.length)).toEqual([1_000, 1_000, 300]);
  expect((await work.engine.recalculateAllStatuses()).repaired).toEqual([]);
  const { tasks: todo } = await work.engine.listTasks({ source: 'Large', status: 'TODO' });
  expect(todo.map(({ sourceId }) => sourceId)).toEqual(['t2299']);
});

it('tells the next task with the parts of its score, as text and as JSON', async () => {
  const ada = await work.orchestrator({ name: 'Ada next' });
  const task = await work.task(ada, {
    title: 'Over\u0009due',
    priority: 'HIGH',
    dueAt: new Date(Date.now() - 1_000),
  });
  const { stdout, code } = await run('next', 'Ada next', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    next: [
      {
        orchestrator: { id: ada.id, name: 'Ada next' },
        task: expect.objectContaining({ id: task.id, status: 'TODO' }),
        score: { weight: 100, boost: 10, score: 1_000 },
        because: expect.any(String),
        runningTasks: 0,
        maxConcurrentTasks: 100,
      },
    ],
  });
  const text = (await run('next', ada.id)).stdout;
  expect(text).toContain('Over due');
  expect(text).toContain('score 1000 = weight 100 × boost 10');
  expect((await run('next', 'Nobody')).code).toBe(3);
});

it('tells the status with what runs, as text and as JSON', async () => {
  const ada = await work.orchestrator({ name: 'Ada status' });
  const task = await work.task(ada, { title: 'Being done' });
  await work.engine.executeTask(ada.id, task.id);
  await work.engine.updateTaskProgress({ taskId: task.id, progress: 42, message: 'halfway' });
  const shown = JSON.parse((await run('status', '--json')).stdout);
  expect(Object.keys(shown).sort()).toEqual(['daemons', 'orchestrators', 'server', 'unassigned']);
  const own = shown.orchestrators.find(({ id }: { id: string }) => id === ada.id);
  expect(own).toMatchObject({
    name: 'Ada status',
    status: 'ONLINE',
    daemonAlive: false,
    running: [{ task: { id: task.id }, progress: 42, progressMessage: 'halfway' }],
    backlog: { total: 0 },
  });
  const text = (await run('status')).stdout;
  expect(text).toMatch(/Ada status\s+online\s+–\s+1\/100/);
  expect(text).toContain(' 42 %  Being done (halfway)');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape that begins a colour
  expect(text).not.toMatch(/\u001b/);
  const coloured = await runNeolith(['status'], { ...environment(), FORCE_COLOR: '1' });
  expect(coloured.stdout).toContain('\u001b[1m');
  const plain = await runNeolith(['status'], { ...environment(), FORCE_COLOR: '1', NO_COLOR: '1' });
  expect(plain.stdout).not.toContain('\u001b');
});

it('serves as a daemon from the command line, and exits with 0 on SIGTERM', async () => {
  const ada = await work.orchestrator({ name: 'Ada daemon' });
  const task = await work.task(ada, { title: 'By the command' });
  const child = spawn(
    process.execPath,
    [
      BIN,
      'daemon',
      '--orchestrator',
      'Ada daemon',
      '--shell-command',
      'echo "progress: 50%"; echo done',
      '--name',
      work.uniqueName(),
    ],
    { env: bareEnvironment(environment()), stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  const done = await work.untilStatus(task.id, 'DONE');
  expect(done.result?.output).toBe('done');
  await until(() => log.includes('Ended, completed'), 'the log to tell');
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
  for (const line of log.trim().split('\n'))
    expect(JSON.parse(line)).toMatchObject({ level: expect.any(String) });
  expect(log).not.toContain(TOKEN);
});

it('does not serve somebody who is not there, or with a token that is not taken', async () => {
  const nobody = await run(
    'daemon',
    '--orchestrator',
    'Nobody',
    '--shell-command',
    'true',
    '--name',
    work.uniqueName(),
  );
  expect(nobody.code).toBe(3);
  const wrong = await runNeolith(
    ['daemon', '--all', '--shell-command', 'true', '--name', work.uniqueName()],
    {
      ...environment(),
      NEOLITH_TOKEN: 'neo_not_the_right_one',
    },
  );
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toContain('Name another one: --token-file');
});
