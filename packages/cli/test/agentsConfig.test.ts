import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { TOKEN } from '../../daemon/test/worker/support/testServer.js';
import { openWorkplace } from '../../daemon/test/worker/support/workplace.js';
import { runNeolith } from './support/runNeolith.js';

const work = openWorkplace();
const SECRET = 'a-secret-of-the-operator';

const environment = (more: Record<string, string> = {}) => ({
  NEOLITH_HOME: work.path('home'),
  NEOLITH_URL: work.server.url,
  NEOLITH_TOKEN: TOKEN,
  ...more,
});

/** A file of the operator's; closed to others. */
function writeConfig(path: string, agents: object): string {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, JSON.stringify({ agents }), { mode: 0o600 });
  return path;
}

function writePlan(name: string): string {
  const file = work.path(`${name}.json`);
  writeFileSync(file, JSON.stringify({ version: 1, name, tasks: [{ id: 'a', title: 'A' }] }));
  return file;
}

/** A command that stands for Claude Code: it says its version, and what it was started with. */
function writeAgent(path: string): void {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(
    path,
    `#!/bin/sh
case "$*" in --version) echo 7.7.7; exit;; esac
echo "$*" > "${work.path('arguments')}"
echo "by $GREETING" > made.txt
echo '{"type":"result","subtype":"success","is_error":false,"result":"the key is '$MY_API_KEY'"}'
`,
  );
  chmodSync(path, 0o755);
}

function makeRepository(path: string): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: path });
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'README.md'), 'A project\n');
  git('init', '-q', '-b', 'main');
  git('config', 'user.name', 'A person');
  git('config', 'user.email', 'person@example.org');
  git('add', '.');
  git('commit', '-q', '-m', 'Begin');
  return path;
}

it('executes with the command, arguments and variables of the file, and hands out none of its secrets', async () => {
  const ada = await work.orchestrator({ name: 'Ada configured' });
  const repository = makeRepository(work.path('repository'));
  writeAgent(work.path('home/bin/my-claude'));
  writeConfig(work.path('home/agents.config.json'), {
    claude: {
      command: './bin/my-claude',
      extraArguments: ['--max-budget-usd', '5'],
      environment: { GREETING: 'greeting', MY_API_KEY: SECRET },
    },
  });
  const { code, stdout, stderr } = await runNeolith(
    [
      'execute',
      writePlan('Configured'),
      '-r',
      repository,
      '--agent',
      'claude',
      '--orchestrator',
      'Ada configured',
      '--verbose',
    ],
    environment(),
  );
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const [run] = (await work.engine.listRuns({ source: 'Configured' })).runs;
  const target = `neolith/${run?.id}`;
  expect(execFileSync('git', ['show', `${target}:made.txt`], { cwd: repository, encoding: 'utf8' })).toBe(
    'by greeting\n',
  );
  expect(readFileSync(work.path('arguments'), 'utf8')).toMatch(/^--print .* --max-budget-usd 5$/m);
  const { attempts } = await work.engine.listAttempts(ada.id, {});
  const log = await work.engine.readAttemptLog(attempts[0]?.id ?? '', {});
  const { tasks } = await work.engine.listTasks({ runId: run?.id ?? '' });
  const task = await work.engine.getTask(tasks[0]?.id ?? '');
  expect(task.result?.output).toBe('the key is [redacted]');
  const logs = (await readdir(work.path('home/logs'), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
  expect(logs.length).toBeGreaterThan(0);
  expect(JSON.stringify([stdout, stderr, log, task, attempts, logs])).not.toContain(SECRET);
});

it('uses another file that is named, for the shell agent as well, which then works where it is told', async () => {
  await work.orchestrator({ name: 'Ada named' });
  const file = writeConfig(work.path('other.json'), { shell: { command: ['./agent.sh', 'given'] } });
  writeFileSync(work.path('agent.sh'), `#!/bin/sh\necho "$1" > ${work.path('done')}\n`, { mode: 0o755 });
  const { code, stderr } = await runNeolith(
    [
      'execute',
      writePlan('Named'),
      '--agents-config',
      file,
      '--agent',
      'shell',
      '--orchestrator',
      'Ada named',
    ],
    environment(),
    work.directory,
  );
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(readFileSync(work.path('done'), 'utf8')).toBe('given\n');
});

it('ends with 2 and names file, place and remedy where the file is wrong; so does the daemon', async () => {
  const file = writeConfig(work.path('home/agents.config.json'), { claude: { modell: SECRET } });
  for (const args of [['execute', writePlan('Wrong'), '--json'], ['daemon', '--all', '--json'].slice(0, 2)]) {
    const { code, stderr } = await runNeolith(args, environment());
    expect(code, args[0]).toBe(2);
    expect(stderr).toContain(file);
    expect(stderr).toContain('agents.claude.modell is not known here');
    expect(stderr).not.toContain(SECRET);
  }
  expect((await work.engine.listRuns({ source: 'Wrong' })).runs).toEqual([]);
});

it('takes no commands from a repository, not even from one with a home in it', async () => {
  await work.orchestrator({ name: 'Ada careful' });
  const repository = makeRepository(work.path('repository'));
  const touched = work.path('touched');
  const planted = { shell: { command: `touch ${touched}` } };
  writeConfig(join(repository, 'agents.config.json'), planted);
  writeConfig(join(repository, '.neolith', 'agents.config.json'), planted);
  const args = ['execute', writePlan('Careful'), '--agent', 'shell', '--orchestrator', 'Ada careful'];
  const { NEOLITH_HOME: _home, ...withoutHome } = environment({ HOME: work.directory });
  const inside = await runNeolith(args, withoutHome, repository);
  expect(inside.code).toBe(2);
  expect(inside.stderr).toContain('The shell agent is off until a command is configured');
  // Nor where somebody points to it.
  for (const refused of [
    await runNeolith(args, environment({ NEOLITH_HOME: join(repository, '.neolith') }), repository),
    await runNeolith([...args, '--agents-config', 'agents.config.json'], environment(), repository),
  ]) {
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/agents\.config\.json is in .*repository, where agents work/);
  }
  expect(existsSync(touched)).toBe(false);
});

it('lets the doctor look at agents as they are set up, with how they log in', async () => {
  writeAgent(work.path('home/bin/my-claude'));
  const file = writeConfig(work.path('home/agents.config.json'), {
    claude: { command: './bin/my-claude', environment: { ANTHROPIC_API_KEY: SECRET } },
    codex: { command: './bin/my-claude' },
    gemini: { command: './bin/absent' },
  });
  const look = async (...args: string[]) => {
    const { stdout } = await runNeolith(['doctor', '--json', ...args], {
      ...environment({ HOME: work.path('home') }),
      CODEX_API_KEY: '',
      OPENAI_API_KEY: '',
    });
    expect(stdout).not.toContain(SECRET);
    const { findings } = JSON.parse(stdout) as { findings: { check: string }[] };
    return (check: string) => findings.find((finding) => finding.check === check);
  };
  const find = await look();
  expect(find('agents-config')).toMatchObject({ status: 'ok', detail: expect.stringContaining(file) });
  expect(find('agent:claude')).toMatchObject({
    status: 'ok',
    detail: `claude 7.7.7 (${work.path('home/bin/my-claude')}), log-in: ANTHROPIC_API_KEY`,
  });
  expect(find('agent:codex')).toMatchObject({
    status: 'warning',
    detail: expect.stringMatching(/^codex 7\.7\.7 .*no log-in was found$/),
    remedy: expect.stringMatching(/CODEX_API_KEY.*codex login/),
  });
  expect(find('agent:gemini')).toMatchObject({
    status: 'absent',
    remedy: expect.stringContaining('npm install -g @google/gemini-cli'),
  });
  const other = await look('--agents-config', writeConfig(work.path('other.json'), { tool: {} }));
  expect(other('agent:claude')).not.toMatchObject({ detail: expect.stringContaining('7.7.7') });
});
