import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { createConfiguredAgent } from '../../src/agents/config/agentsConfig.js';
import type { ConfiguredAgents } from '../../src/agents/config/agentsConfigSchema.js';
import { makeFolder } from './support/runInWorktree.js';

let folder: string;

beforeEach(() => {
  folder = makeFolder();
});

function fingerprint(name: string, settings: object, host: Record<string, string> = {}) {
  const adapter = createConfiguredAgent(
    name,
    {
      file: join(folder, 'agents.config.json'),
      agents: { [name]: settings } as ConfiguredAgents,
      secrets: [],
    },
    { hostEnvironment: { PATH: process.env.PATH, HOME: folder, ...host }, baseDirectory: '/nowhere' },
  );
  return adapter.fingerprint?.();
}

const PROGRAMS = [
  ['claude', {}],
  ['opencode', {}],
  ['shell', { command: ['true'] }],
  ['script', { file: 'work.mjs' }],
  ['tool', {}],
] as const;

it.each(PROGRAMS)('tells %s with other values of its variables apart, and hides them', async (name, own) => {
  const of = (model: string) => fingerprint(name, { ...own, environment: { ANTHROPIC_MODEL: model } });
  const first = await of('a');
  expect(first).toMatch(/^[0-9a-f]{32}$/);
  expect(await of('a')).toBe(first);
  expect(await of('b')).not.toBe(first);
});

it.each(PROGRAMS)('tells %s with other values passed on from the daemon apart', async (name, own) => {
  const settings = { ...own, environmentNames: ['LEVEL'] };
  const high = await fingerprint(name, settings, { LEVEL: 'high' });
  expect(await fingerprint(name, settings, { LEVEL: 'low' })).not.toBe(high);
  // Of what it does not get nothing counts.
  expect(await fingerprint(name, settings, { LEVEL: 'high', OTHER: 'x' })).toBe(high);
});

it('counts the model that the daemon itself was given for an agent, and not a key that was renewed', async () => {
  const key = { ANTHROPIC_API_KEY: 'one' };
  const first = await fingerprint('claude', {}, { ...key, ANTHROPIC_MODEL: 'a' });
  expect(await fingerprint('claude', {}, { ...key, ANTHROPIC_MODEL: 'b' })).not.toBe(first);
  expect(await fingerprint('claude', {}, { ANTHROPIC_MODEL: 'a', ANTHROPIC_API_KEY: 'two' })).toBe(first);
  expect(await fingerprint('claude', {}, { ANTHROPIC_MODEL: 'a' })).not.toBe(first);
});

it.each([
  ['shell', 'act.sh', { command: ['./act.sh', '--fast'] }],
  ['script', 'act.mjs', { file: 'act.mjs' }],
  ['claude', 'claude', { command: './claude' }],
])('tells %s apart by what stands in its file, as it is now', async (name, file, settings) => {
  const absent = await fingerprint(name, settings);
  writeFileSync(join(folder, file), 'one');
  const one = await fingerprint(name, settings);
  expect(one).not.toBe(absent);
  expect(await fingerprint(name, settings)).toBe(one);
  writeFileSync(join(folder, file), 'two');
  expect(await fingerprint(name, settings)).not.toBe(one);
});

it('counts a file that an argument names by its whole path', async () => {
  const settings = { command: ['sh', join(folder, 'act.sh')] };
  writeFileSync(join(folder, 'act.sh'), 'one');
  const one = await fingerprint('shell', settings);
  writeFileSync(join(folder, 'act.sh'), 'two');
  expect(await fingerprint('shell', settings)).not.toBe(one);
});

it('tells settings apart', async () => {
  const first = await fingerprint('claude', { model: 'a' });
  expect(await fingerprint('claude', { model: 'b' })).not.toBe(first);
  expect(await fingerprint('claude', { model: 'a', extraArguments: ['--x'] })).not.toBe(first);
});
