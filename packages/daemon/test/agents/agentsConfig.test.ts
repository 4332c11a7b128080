import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { createConfiguredAgent, NO_AGENTS_CONFIG } from '../../src/agents/config/agentsConfig.js';
import type { AgentsConfigError } from '../../src/agents/config/agentsConfigError.js';
import { readAgentsConfig } from '../../src/agents/config/readAgentsConfig.js';
import { AGENT_NAMES } from '../../src/agents/registry.js';
import { makeFolder } from './support/runInWorktree.js';

let folder = '';
beforeEach(() => {
  folder = makeFolder();
});

function write(content: unknown, mode = 0o600): string {
  const file = join(folder, 'agents.config.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  chmodSync(file, mode);
  return file;
}

const read = (file: string, isNamed = true) =>
  readAgentsConfig({ file, isNamed, workDirectory: join(folder, 'elsewhere') });
const refusal = (file: string): Promise<AgentsConfigError> =>
  read(file).then(
    () => {
      throw new Error('It was taken.');
    },
    (error) => error as AgentsConfigError,
  );

const request = (directory: string) => ({
  taskId: 'task_1',
  attemptId: 'attempt_1',
  attemptDirectory: directory,
  workingDirectory: directory,
  context: {},
  prompt: 'p',
});
const host = () => ({ hostEnvironment: { PATH: process.env.PATH, HOME: folder }, baseDirectory: '/nowhere' });

it('sets up an agent: its command beside the file, arguments, model, and variables of its own', async () => {
  writeFileSync(join(folder, 'claude'), '#!/bin/sh\necho 9.9.9\n', { mode: 0o755 });
  const config = await read(
    write({
      agents: {
        claude: {
          command: './claude',
          model: 'sonnet',
          extraArguments: ['--max-budget-usd', '5'],
          environment: {
            ANTHROPIC_BASE_URL: 'http://127.0.0.1:1',
            ANTHROPIC_API_KEY: 'sk-planted',
            OTHER: 'o',
          },
        },
      },
    }),
  );
  const adapter = createConfiguredAgent('claude', config, host());
  expect(await adapter.detect()).toEqual({
    found: true,
    path: join(folder, 'claude'),
    version: '9.9.9',
    login: { state: 'found', by: 'ANTHROPIC_API_KEY' },
  });
  const started = await adapter.start(request(folder));
  if (!('command' in started)) throw new Error('Nothing is run.');
  expect(started.command).toBe(join(folder, 'claude'));
  expect(started.args.slice(-4)).toEqual(['--model', 'sonnet', '--max-budget-usd', '5']);
  expect(started.environment).toMatchObject({
    ANTHROPIC_BASE_URL: 'http://127.0.0.1:1',
    ANTHROPIC_API_KEY: 'sk-planted',
    OTHER: 'o',
  });
  // What is set for one agent is for that one.
  const other = await createConfiguredAgent('shell', config, host(), 'env').start(request(makeFolder()));
  expect(JSON.stringify(other)).not.toMatch(/sk-planted|OTHER/);
});

it('sets what an agent would have set otherwise', async () => {
  writeFileSync(join(folder, 'opencode'), '#!/bin/sh\necho 1.0.0\n', { mode: 0o755 });
  const set = async (settings: object) => {
    const config = await read(write({ agents: { opencode: { command: './opencode', ...settings } } }));
    const started = await createConfiguredAgent('opencode', config, host()).start(request(makeFolder()));
    return 'environment' in started ? started.environment.OPENCODE_DB : undefined;
  };
  expect(await set({})).toBe(':memory:');
  expect(await set({ environment: { OPENCODE_DB: '/srv/opencode.db' } })).toBe('/srv/opencode.db');
});

it('leaves an agent that the file does not name as it is', async () => {
  const base = makeFolder();
  const question = async (agents: object) => {
    const config = await read(write({ agents }));
    const adapter = createConfiguredAgent('windsurf', config, { ...host(), baseDirectory: base });
    const started = await adapter.start(request(folder));
    return 'question' in started ? started.question : '';
  };
  expect(await question({ shell: { command: 'true' } })).toContain(join(base, '.neolith', 'prompts'));
  expect(await question({ windsurf: { promptsDirectory: 'prompts' } })).toContain(join(folder, 'prompts'));
});

it('counts the values of variables that are called like secrets as such', async () => {
  const { secrets } = await read(
    write({
      agents: {
        codex: { environment: { CODEX_API_KEY: 'one-secret', CODEX_HOME: '/srv/codex' } },
        shell: { command: 'true', environment: { DEPLOY_TOKEN: 'another-secret', LEVEL: 'high' } },
      },
    }),
  );
  expect(secrets).toEqual(['one-secret', 'another-secret']);
});

it('lets a shell command that was given otherwise take the place of the one in the file', async () => {
  const config = await read(write({ agents: { shell: { command: ['/bin/of-the-file'] } } }));
  const started = await createConfiguredAgent('shell', config, host(), 'echo given').start(request(folder));
  expect(started).toMatchObject({ args: ['-c', 'echo given'] });
});

it('knows each agent of the registry', async () => {
  const config = await read(write({ agents: Object.fromEntries(AGENT_NAMES.map((name) => [name, {}])) }));
  expect(AGENT_NAMES.map((name) => createConfiguredAgent(name, config, host()).name)).toEqual(AGENT_NAMES);
});

it('takes no file for nothing that is set, unless somebody named it', async () => {
  const file = join(folder, 'absent.json');
  expect(await read(file, false)).toEqual(NO_AGENTS_CONFIG);
  expect(await refusal(file)).toMatchObject({
    code: 'AGENTS_CONFIG_UNREADABLE',
    message: expect.stringContaining(file),
  });
});

describe('names the place that is wrong, and never what stands there', () => {
  it.for<[unknown, string, RegExp]>([
    [{ agents: { claude: { modell: 'sk-secret' } } }, 'agents.claude.modell', /is not known here/],
    [{ agents: { klaude: {} } }, 'agents.klaude', /is not known here/],
    [{ agents: { claude: { command: 5 } } }, 'agents.claude.command', /must be a program/],
    [{ agents: { claude: { command: [] } } }, 'agents.claude.command', /empty list/],
    [{ agents: { claude: { model: '--sk-secret' } } }, 'agents.claude.model', /name of a model/],
    [{ agents: { claude: { extraArguments: ['a', 5] } } }, 'agents.claude.extraArguments[1]', /type string/],
    [{ agents: { shell: { environmentNames: ['A B'] } } }, 'agents.shell.environmentNames[0]', /no name/],
    [
      { agents: { shell: { environmentNames: ['NEOLITH_TOKEN'] } } },
      'agents.shell.environmentNames[0]',
      /daemon/,
    ],
    [
      { agents: { shell: { environment: { 'A=B': 'sk-secret' } } } },
      'agents.shell.environment.A=B',
      /no name/,
    ],
    [{ agents: { shell: { environment: { KEY: 5 } } } }, 'agents.shell.environment.KEY', /type string/],
    [{ agents: { codex: { sandbox: 'sk-secret' } } }, 'agents.codex.sandbox', /workspace-write/],
    [{ agents: { script: { file: 'a.sh' } } }, 'agents.script.file', /\.py file/],
    [{ agents: { tool: { allowedHosts: ['http://sk-secret'] } } }, 'agents.tool.allowedHosts[0]', /a host/],
    [{ version: 2 }, 'version', /must be one of 1/],
    [[], '', /of the type object/],
    ['{"agents": {"shell": {"environment": {"KEY": "sk-secret" "B"', '', /not JSON/],
  ])('%j', async ([content, path, words]) => {
    const file = write(content);
    const error = await refusal(file);
    expect(error).toMatchObject({ name: 'AgentsConfigError', code: 'AGENTS_CONFIG_INVALID' });
    expect(error.problems).toEqual([{ path, message: expect.stringMatching(words) }]);
    expect(error.message).toContain(file);
    expect(error.message).toContain(path);
    expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain('sk-secret');
  });
});

describe('trusts no file that somebody else could have written', () => {
  const secret = { agents: { shell: { command: 'true', environment: { API_KEY: 'of-the-operator' } } } };

  it.for<[string, object, RegExp]>([
    ['620', {}, /written by others/],
    ['602', {}, /written by others/],
    ['644', secret, /holds secrets.*chmod 600/],
    ['640', secret, /holds secrets.*chmod 600/],
  ])('mode %s', async ([mode, content, words]) => {
    expect(await refusal(write(content, Number.parseInt(mode, 8)))).toMatchObject({
      code: 'AGENTS_CONFIG_UNSAFE',
      message: expect.stringMatching(words),
    });
  });

  it('takes one without secrets that others can read', async () => {
    expect((await read(write({ agents: { claude: { model: 'opus' } } }, 0o644))).agents).toEqual({
      claude: { model: 'opus' },
    });
  });

  it('one in the repository where agents work, also through links from either side', async () => {
    const repository = join(folder, 'repository');
    mkdirSync(join(repository, '.git'), { recursive: true });
    mkdirSync(join(repository, 'packages', 'a'), { recursive: true });
    const outside = write({ agents: { shell: { command: 'true' } } });
    const inside = join(repository, 'agents.config.json');
    writeFileSync(inside, '{}', { mode: 0o600 });
    symlinkSync(inside, join(folder, 'link-to-inside.json'));
    symlinkSync(outside, join(repository, 'link-to-outside.json'));
    symlinkSync(repository, join(folder, 'link-to-repository'));
    const readFor = (file: string, isNamed = true) =>
      readAgentsConfig({ file, isNamed, workDirectory: join(repository, 'packages', 'a') });
    for (const file of [
      inside,
      join(folder, 'link-to-inside.json'),
      join(repository, 'link-to-outside.json'),
      join(folder, 'link-to-repository', 'link-to-outside.json'),
    ]) {
      for (const isNamed of [true, false])
        await expect(readFor(file, isNamed), file).rejects.toMatchObject({
          code: 'AGENTS_CONFIG_UNSAFE',
          message: expect.stringContaining(repository),
        });
    }
    expect((await readFor(outside)).agents).toEqual({ shell: { command: 'true' } });
  });
});
