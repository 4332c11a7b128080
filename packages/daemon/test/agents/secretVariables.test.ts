import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { createAgent } from '../../src/agents/registry.js';
import { listSecretValues } from '../../src/agents/secretVariables.js';
import { makeFolder, runAttempt } from './support/runInWorktree.js';

const VALUE = 'correct-horse-battery';

it.each([
  'ANTHROPIC_API_KEY',
  'apiKey',
  'API_KEYS',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'GITHUB_PAT',
  'NPM_CONFIG__AUTH',
  'PROXY_AUTHORIZATION',
  'DB_PASS',
  'DB_PWD',
  'PGPASSWORD',
  'GOOGLE_CREDENTIALS',
  'SESSION_COOKIE',
  'ANTHROPIC_CUSTOM_HEADERS',
  'OPENCODE_CONFIG_CONTENT',
])('takes the value of %s for a secret', (name) => {
  expect(listSecretValues({ [name]: VALUE })).toEqual([VALUE]);
});

it.each([
  ['GIT_AUTHOR_NAME', 'Ann Example'],
  ['CLAUDE_CODE_MAX_OUTPUT_TOKENS', 'unlimited'],
  ['CLAUDE_CODE_MAX_OUTPUT_TOKENS', '128000'],
  ['TOKEN_LIMIT', '128000'],
  ['USE_AUTH', 'true'],
  ['SSH_AUTH_SOCK', '/run/user/agent.sock'],
  ['TOKEN_FILE', '/run/secrets/token'],
  ['SSH_ASKPASS', '/usr/bin/askpass'],
  ['PWD', '/srv/project'],
  ['ANTHROPIC_MODEL', 'claude-sonnet'],
  ['API_KEY', ''],
])('takes no secret from %s=%s', (name, value) => {
  expect(listSecretValues({ [name]: value })).toEqual([]);
});

const LEAK = 'printf "%s and %s\\n" "$DEPLOY_TOKEN" "$LEVEL_NAME"; exit 1';

it.each([
  ['shell', { command: LEAK }],
  ['script', { file: 'leak.py' }],
  ['tool', { testCommand: ['sh', '-c', LEAK] }],
  ['claude', { command: ['sh', '-c', LEAK] }],
])('%s hands out nothing of a secret that was passed on by its name', async (name, settings) => {
  const root = makeFolder();
  writeFileSync(
    `${root}/leak.py`,
    "import os, sys\nprint(os.environ['DEPLOY_TOKEN'], 'and', os.environ['LEVEL_NAME'])\nsys.exit(1)\n",
  );
  const hostEnvironment = { PATH: process.env.PATH, HOME: root, DEPLOY_TOKEN: VALUE, LEVEL_NAME: 'readable' };
  const environmentNames = ['DEPLOY_TOKEN', 'LEVEL_NAME'];
  const adapter = createAgent(
    name,
    { hostEnvironment, baseDirectory: root },
    { [name]: { ...settings, environmentNames } },
  );
  const { report, signals, log } = await runAttempt(
    adapter,
    { root, directory: root },
    { context: { task: { metadata: { tool: 'run_tests' } } } },
  );
  const everything = JSON.stringify([report, signals, log]);
  expect(everything).toContain('[redacted] and readable');
  expect(everything).not.toContain('horse');
});
