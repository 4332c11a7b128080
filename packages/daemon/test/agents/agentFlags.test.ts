import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, expect, it } from 'vitest';
import { AIDER_CHECKED } from '../../src/agents/aider.js';
import { CLAUDE_CHECKED } from '../../src/agents/claude.js';
import { CLINE_CHECKED } from '../../src/agents/cline.js';
import { CODEX_CHECKED } from '../../src/agents/codex.js';
import type { CheckedFlags } from '../../src/agents/commandAgent.js';
import { COPILOT_CHECKED } from '../../src/agents/copilot.js';
import { CURSOR_CHECKED } from '../../src/agents/cursor.js';
import { GEMINI_CHECKED } from '../../src/agents/gemini.js';
import { OPENCODE_CHECKED } from '../../src/agents/opencode.js';
import { createAgent } from '../../src/agents/registry.js';
import { FETCH_TIMEOUT_MS, fetchAgent, requireAgent } from './support/fetchAgent.js';
import { makeFolder } from './support/runInWorktree.js';

const run = promisify(execFile);

const AGENTS: readonly (readonly [string, CheckedFlags])[] = [
  ['claude', CLAUDE_CHECKED],
  ['codex', CODEX_CHECKED],
  ['gemini', GEMINI_CHECKED],
  ['opencode', OPENCODE_CHECKED],
  ['copilot', COPILOT_CHECKED],
  ['cline', CLINE_CHECKED],
  ['cursor', CURSOR_CHECKED],
  ['aider', AIDER_CHECKED],
];

// One after another: they are large, and the registry is one.
beforeAll(async () => {
  for (const [, checked] of AGENTS) await fetchAgent(checked);
}, FETCH_TIMEOUT_MS * 2);

it.for(AGENTS)(
  '%s says in its help that it has each flag we use',
  { timeout: 60_000 },
  async ([, checked], test) => {
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
  },
);

it.for(AGENTS)('%s uses no flag that is not checked', async ([name, checked]) => {
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
