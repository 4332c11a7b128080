import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, expect, it } from 'vitest';
import { createAgent } from '../../src/agents/registry.js';
import { CHECKED_AGENTS } from './support/checkedAgents.js';
import { FETCH_TIMEOUT_MS, fetchAgent, requireAgent } from './support/fetchAgent.js';
import { makeFolder } from './support/runInWorktree.js';

const run = promisify(execFile);

// One after another: they are large, and the registry is one.
beforeAll(async () => {
  for (const [, checked] of CHECKED_AGENTS) await fetchAgent(checked);
}, FETCH_TIMEOUT_MS * 2);

it.for(CHECKED_AGENTS)('%s says in its help that it has each flag we use', async ([, checked], test) => {
  const path = await requireAgent(checked, test);
  const home = makeFolder();
  for (const { args, flags } of checked.helps) {
    const { stdout, stderr } = await run(path, [...args], {
      cwd: home,
      env: { PATH: process.env.PATH, HOME: home, NO_COLOR: '1' },
      timeout: 50_000,
    });
    const help = `${stdout}\n${stderr}`;
    const missing = flags.filter((flag) => !new RegExp(`(?:^|[\\s,[])${flag}(?![\\w-])`, 'm').test(help));
    expect(missing, `${checked.program} ${args.join(' ')}`).toEqual([]);
  }
});

it.for(CHECKED_AGENTS)('%s uses no flag that is not checked', async ([name, checked]) => {
  const root = makeFolder();
  const adapter = createAgent(
    name,
    { hostEnvironment: { PATH: process.env.PATH, HOME: root }, baseDirectory: root },
    { [name]: { command: process.execPath, model: 'some/model' } },
  );
  const started = await adapter.start({
    taskId: 'task_1',
    attemptId: 'attempt_1',
    attemptDirectory: root,
    workingDirectory: root,
    context: {},
    prompt: 'p',
  });
  const used = 'args' in started ? started.args.filter((arg) => arg.startsWith('-') && arg !== '-') : [];
  const known = checked.helps.flatMap(({ flags }) => flags);
  expect(used.map((arg) => arg.split('=', 1)[0]).filter((flag) => !known.includes(flag ?? ''))).toEqual([]);
  expect(used.length).toBeGreaterThan(2);
});
