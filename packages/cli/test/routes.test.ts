import { expect, it } from 'vitest';
import { openWorkplace } from '../../daemon/test/worker/support/workplace.js';
import { environmentOf } from './support/environmentOf.js';
import { runNeolith } from './support/runNeolith.js';

const work = openWorkplace();

const run = (...args: string[]) => runNeolith(args, environmentOf(work));

/** Told as a daemon tells it. */
async function attempt(orchestratorId: string, title: string, agent: string, isGood: boolean) {
  const task = await work.engine.createTask({ title, orchestratorId, maxAttempts: 5 });
  const { claims } = await work.engine.claimNextTask(orchestratorId, { leaseSeconds: 30 });
  const attemptId = claims[0]?.attempt.id ?? '';
  const route = {
    ...{ agent, provider: 'anthropic', model: null, rule: 'bugs', strategy: 'fixed' as const },
    ...{
      taskType: 'bug',
      complexity: 'low',
      confidence: 0.8,
      reason: `${agent}, because the rule "bugs" matches.`,
    },
    candidates: [
      { agent: 'codex', state: 'absent' as const, reason: 'not found' },
      { agent, state: 'chosen' as const, reason: '' },
    ],
  };
  await work.engine.recordRoute(attemptId, route);
  await work.engine.completeTask(task.id, {
    status: isGood ? 'completed' : 'failed',
    ...(isGood ? {} : { error: 'Red', failureClass: 'task' as const }),
    attemptId,
    metrics: { agent, route, duration: 90_000, usage: { costUsd: 0.5 } },
  });
  if (!isGood) await work.engine.cancelTask(task.id);
  return task;
}

it('shows how well each agent does at each type of task', async () => {
  expect((await run('routes')).stdout).toBe('No attempt of the last 30 days says anything of an agent.\n');
  const { id } = await work.orchestrator();
  await attempt(id, 'One', 'claude', true);
  await attempt(id, 'Two', 'claude', true);
  await attempt(id, 'Three', 'claude', false);
  await attempt(id, 'Four', 'gemini', false);
  const { stdout } = await run('routes');
  expect(stdout).toMatch(/^Type +Agent +Succeeded +Of +Lately +Takes +Costs\n/);
  expect(stdout).toMatch(/bug +claude +2 +3 +66 % +1 min 30 s +\$0\.50/);
  expect(stdout).toMatch(/bug +gemini +0 +1 +0 % /);
  const { figures } = JSON.parse((await run('routes', '--json', '--days', '7')).stdout);
  expect(figures).toContainEqual(
    expect.objectContaining({ taskType: 'bug', agent: 'claude', successes: 2, attempts: 3 }),
  );
});

it('tells why each attempt at a task went to its agent, and what was said of the others', async () => {
  const { id } = await work.orchestrator();
  const task = await attempt(id, 'Fix the crash', 'claude', true);
  const { stdout } = await run('routes', 'Fix the crash');
  expect(stdout.split('\n')).toEqual([
    `Fix the crash  ${task.id}`,
    '#1  claude  succeeded',
    '  claude, because the rule "bugs" matches.',
    '  bug, low; fixed; 80 % sure',
    '    codex: absent (not found)',
    '    claude: chosen',
    '',
  ]);
  const json = JSON.parse((await run('routes', task.id, '--json')).stdout);
  expect(json).toMatchObject({
    taskId: task.id,
    attempts: [{ number: 1, agent: 'claude', route: { rule: 'bugs' } }],
  });
  const untried = await work.engine.createTask({ title: 'Later' });
  expect((await run('routes', untried.id)).stdout).toContain('Not tried yet.');
});

it('refuses days out of range with 2, and a task that is not there with 3', async () => {
  expect((await run('routes', '--days', '0')).code).toBe(2);
  expect((await run('routes', '--days', '91')).code).toBe(2);
  const unknown = await run('routes', 'No such task');
  expect([unknown.code, unknown.stderr.includes('No such task')]).toEqual([3, true]);
});
