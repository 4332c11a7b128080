import { expect, it } from 'vitest';
import { openWorkplace } from '../../daemon/test/worker/support/workplace.js';
import { environmentOf } from './support/environmentOf.js';
import { runNeolith } from './support/runNeolith.js';

const work = openWorkplace();

const run = (...args: string[]) => runNeolith(args, environmentOf(work));
const json = async (...args: string[]) => JSON.parse((await run(...args, '--json')).stdout);

it('lists breakers, holds one open for a time or closed, and releases it', async () => {
  expect((await run('breakers')).stdout).toBe('Every breaker is closed, and none has ever opened.\n');
  const forced = await run('breakers', 'force', 'open', 'claude', '--for', '2h', '--reason', 'Too dear');
  expect(forced.stdout).toMatch(/^claude with anthropic is open \(forced\) until 20\S+Z\.\n$/);
  const text = (await run('breakers')).stdout;
  expect(text).toMatch(/^Agent +Provider +Status +Until +Since +Reason\n/);
  expect(text).toMatch(/claude +anthropic +open \(forced\) +20\S+ +\S+ s +Too dear/);
  expect((await json('breakers', 'release', 'claude')).breaker).toMatchObject({
    status: 'half_open',
    forced: null,
  });
  expect(
    (await json('breakers', 'force', 'closed', 'opencode', '--provider', 'openrouter')).breaker,
  ).toMatchObject({
    provider: 'openrouter',
    forced: 'closed',
  });
  // The one that is known is meant.
  expect((await json('breakers', 'release', 'opencode')).breaker).toMatchObject({ provider: 'openrouter' });
  expect((await json('breakers', 'list')).breakers).toHaveLength(2);
  const unknown = await run('breakers', 'release', 'nobody');
  expect([unknown.code, unknown.stderr.includes('nobody')]).toEqual([3, true]);
  expect((await run('breakers', 'force', 'ajar', 'claude')).code).toBe(2);
});

it('lists parked tasks with their reasons, shows the history of one, and redrives some or all', async () => {
  expect((await run('dead-letters')).stdout).toBe('No task is parked.\n');
  const orchestrator = await work.orchestrator();
  const made = await work.engine.createRun({
    name: 'Parks',
    orchestratorId: orchestrator.id,
    config: { failurePolicy: 'continue', maxConcurrentTasks: 10 },
    tasks: ['One', 'Two', 'Three', 'Four'].map((title) => ({ title, maxAttempts: 1 })),
  });
  await work.engine.startRun(made.id);
  const { claims } = await work.engine.claimNextTask(orchestrator.id, { max: 3 });
  for (const { task, attempt } of claims)
    await work.engine.completeTask(task.id, {
      status: 'failed',
      error: `${task.title} is red`,
      attemptId: attempt.id,
    });
  const text = (await run('dead-letters', '--run', 'Parks')).stdout;
  expect(text).toMatch(/^Task +Spent +Attempts +Agent +Since +Title +Reason\n/);
  expect(text).toMatch(/task_\S+ +attempts +1 +– +\S+ s +One +One is red/);
  const stranger = await work.orchestrator();
  const listed = async (name: string) =>
    (await json('dead-letters', '--orchestrator', name)).deadLetters.map(
      (letter: { task: { title: string } }) => letter.task.title,
    );
  expect((await listed(orchestrator.name)).sort()).toEqual(['One', 'Three', 'Two']);
  expect(await listed(stranger.id)).toEqual([]);
  expect((await run('dead-letters', '--orchestrator', 'Nobody of that name')).code).not.toBe(0);
  const nothing = await run('dead-letters', 'redrive', '--orchestrator', stranger.name);
  expect([nothing.code, nothing.stdout]).toEqual([0, '0 tasks will be tried again.\n']);
  expect((await run('dead-letters', '--limit', '2')).stdout).toContain('The newest 2; --limit lists more.');
  const shown = (await run('dead-letters', 'show', 'One')).stdout;
  expect(shown).toMatch(/^One {2}failed {2}task_\S+\n {2}#1 {2}20\S+Z {2}failed \(task\) {2}One is red\n/);
  expect(shown).toContain('task.failed');
  // Every event, however many there are: 1,200 more than one page of the API holds.
  const [first] = claims;
  const uuid = first?.task.id.slice('task_'.length);
  await work.database.database.pool.query(
    `INSERT INTO events (workspace_id, task_id, at, type, actor, data)
     SELECT workspace_id, id, now(), 'task.progress', 'test', jsonb_build_object('n', n) FROM tasks, generate_series(1, 1200) n WHERE id = $1`,
    [uuid],
  );
  const { events } = await json('dead-letters', 'show', first?.task.id as string);
  const told = events.filter(({ actor }: { actor: string }) => actor === 'test');
  expect(told.map(({ data }: { data: { n: number } }) => data.n)).toEqual(
    Array.from({ length: 1_200 }, (_, n) => n + 1),
  );
  expect(new Set(events.map(({ cursor }: { cursor: string }) => cursor)).size).toBe(events.length);
  expect((await json('dead-letters', 'redrive', 'One')).redriven).toHaveLength(1);
  // It isn't parked any more.
  expect((await run('dead-letters', 'redrive', 'One')).code).toBe(4);
  expect((await run('dead-letters', 'redrive')).code).toBe(2);
  expect((await run('dead-letters', 'redrive', '--run', 'Parks')).stdout).toBe(
    '2 tasks will be tried again.\n',
  );
  expect((await json('dead-letters')).deadLetters).toEqual([]);
});

it('does one task of a run again with what depends on it', async () => {
  const orchestrator = await work.orchestrator();
  const made = await work.engine.createRun({
    name: 'Part',
    orchestratorId: orchestrator.id,
    tasks: [
      { key: 'a', title: 'Base' },
      { title: 'Roof', dependsOn: ['a'], maxAttempts: 1 },
    ],
  });
  await work.engine.startRun(made.id);
  for (const status of ['completed', 'failed'] as const) {
    const { claims } = await work.engine.claimNextTask(orchestrator.id);
    await work.engine.completeTask(claims[0]?.task.id ?? '', { status, attemptId: claims[0]?.attempt.id });
  }
  const retried = await json('runs', 'retry', 'Part', '--task', 'Base', '--reason', 'It was crooked');
  expect(retried.run).toMatchObject({
    status: 'RUNNING',
    counts: { todo: 1, blocked: 1, done: 0, failed: 0 },
  });
});
