import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { TOKEN } from '../../daemon/test/worker/support/testServer.js';
import { openWorkplace, until } from '../../daemon/test/worker/support/workplace.js';
import { environmentOf } from './support/environmentOf.js';
import { BIN, bareEnvironment, runNeolith } from './support/runNeolith.js';

const work = openWorkplace();

const environment = () => environmentOf(work);
const run = (...args: string[]) => runNeolith(args, environment());

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

it('tells who holds which resource and who waits for whom, as text and as JSON', async () => {
  const ada = await work.orchestrator({ name: 'Ada resources' });
  const holder = await work.task(ada, { title: 'Hold\u0009er', priority: 'HIGH', resources: ['path:src/'] });
  const asker = await work.task(ada, { title: 'Asker' });
  await work.engine.executeTask(ada.id, holder.id);
  const started = await work.engine.executeTask(ada.id, asker.id);
  if (started.status !== 'in_progress') throw new Error(started.error);
  await work.engine.acquireResources(started.attemptId, { resources: ['shared path:src/a.ts'] });
  const shown = JSON.parse((await run('resources', '--json')).stdout);
  expect(shown.holds).toEqual([
    expect.objectContaining({ resource: 'path:src/**', mode: 'exclusive', taskId: holder.id }),
  ]);
  expect(shown.waits).toEqual([
    expect.objectContaining({
      taskId: asker.id,
      attemptId: started.attemptId,
      waitsFor: [expect.objectContaining({ taskId: holder.id, holds: true })],
    }),
  ]);
  const { stdout, code } = await run('resources');
  expect(code).toBe(0);
  expect(stdout).toContain(`Hold er (${holder.id})`);
  expect(stdout).toContain(`Asker (${asker.id}) while it runs, for `);
  expect(stdout).toContain(`held by Hold er (${holder.id}): path:src/**`);
});

it('tells the status with what runs, as text and as JSON', async () => {
  const ada = await work.orchestrator({ name: 'Ada status' });
  const task = await work.task(ada, { title: 'Being done' });
  await work.engine.executeTask(ada.id, task.id);
  await work.engine.updateTaskProgress({ taskId: task.id, progress: 42, message: 'halfway' });
  const shown = JSON.parse((await run('status', '--json')).stdout);
  expect(Object.keys(shown).sort()).toEqual([
    ...['attempts', 'daemons', 'elsewhere', 'orchestrators', 'repository', 'runs', 'server', 'unassigned'],
    'worktrees',
  ]);
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
  expect(text).toMatch(/^42 % +\d+ s +\S+ +Being done$/m);
  expect(text).toContain('\n  halfway\n');
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
