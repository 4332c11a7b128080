import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { createAgent } from '../../src/agents/registry.js';
import { makeFolder } from './support/runInWorktree.js';

/** As the adapter tells it; any program stands for its command. */
async function loginOf(name: string, host: Record<string, string>) {
  const adapter = createAgent(
    name,
    { hostEnvironment: { PATH: process.env.PATH, ...host }, baseDirectory: '/' },
    { [name]: { command: process.execPath } },
  );
  return (await adapter.detect()).login;
}

function write(path: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '{}');
  return path;
}

it.for([
  ['claude', '.claude/.credentials.json', 'CLAUDE_CONFIG_DIR', '.credentials.json'],
  ['codex', '.codex/auth.json', 'CODEX_HOME', 'auth.json'],
  ['copilot', '.copilot/config.json', 'COPILOT_HOME', 'config.json'],
  ['opencode', '.local/share/opencode/auth.json', 'XDG_DATA_HOME', 'opencode/auth.json'],
] as const)('finds the log-in of %s where it keeps it', async ([name, usual, variable, moved]) => {
  const home = makeFolder();
  const elsewhere = makeFolder();
  const host = { HOME: home, [variable]: elsewhere };
  expect(await loginOf(name, host)).toMatchObject({
    state: 'unknown',
    remedy: expect.stringMatching(/daemon/),
  });
  const path = write(join(home, usual));
  expect(await loginOf(name, { HOME: home })).toEqual({ state: 'found', by: path });
  // That one it would not look at.
  expect(await loginOf(name, host)).toMatchObject({ state: 'unknown' });
  const other = write(join(elsewhere, moved));
  expect(await loginOf(name, host)).toEqual({ state: 'found', by: other });
});

it('takes a variable that is empty for none', async () => {
  const HOME = makeFolder();
  expect(await loginOf('codex', { HOME, CODEX_API_KEY: '' })).toMatchObject({ state: 'unknown' });
  expect(await loginOf('codex', { HOME, CODEX_API_KEY: 'k' })).toEqual({
    state: 'found',
    by: 'CODEX_API_KEY',
  });
});
