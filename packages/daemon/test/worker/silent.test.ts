import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { AgentAdapter } from '../../src/agents/agentAdapter.js';
import { createAgent } from '../../src/agents/registry.js';
import { openWorkplace } from './support/workplace.js';

const work = openWorkplace();
const SILENCE = 'sleep 4; echo done';

async function begin(agent: AgentAdapter) {
  const { id } = await work.orchestrator();
  const task = await work.task({ id }, { maxAttempts: 1 });
  await work.daemon({ orchestrators: [id], agent, stalledAfterMs: 500 }).start();
  return task.id;
}

it('ends an agent that is silent for long, but not a shell command or a script, which may wait for something', async () => {
  writeFileSync(work.path('wait.mjs'), "setTimeout(() => console.log('done'), 4_000);\n");
  const script = createAgent(
    'script',
    { hostEnvironment: process.env, baseDirectory: work.directory },
    { script: { file: 'wait.mjs' } },
  );
  const waiting = [await begin(work.agent(SILENCE)), await begin(script)];
  const stalled = await begin({ ...work.agent(SILENCE), mayBeSilent: false });
  const ended = await work.untilStatus(stalled, 'FAILED');
  expect(ended.attempts[0]?.error).toMatch(/was ended: it neither print/);
  for (const id of waiting) {
    const done = await work.untilStatus(id, 'DONE');
    expect(done.result?.output).toBe('done');
  }
});
