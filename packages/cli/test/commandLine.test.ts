import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BIN, bareEnvironment, runNeolith } from './support/runNeolith.js';

let home = '';
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'neolith-cli-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));

const run = (...args: string[]) => runNeolith(args, { NEOLITH_HOME: home });

it.each([
  ...['start', 'daemon', 'import', 'execute', 'runs', 'graph', 'next', 'status', 'logs', 'sign-in'],
  ...['doctor', 'cleanup', 'prompt', 'attach', 'answer', 'resources'],
])('`%s --help` tells what it does, with an example, and exits with 0', async (command) => {
  const { code, stdout } = await run(command, '--help');
  expect(code).toBe(0);
  expect(stdout).toContain('Examples:');
  expect(stdout).toContain(`neolith ${command}`);
  // Commands that are shown may be longer: broken, they could not be pasted.
  for (const line of stdout.split('\n').filter((one) => !one.startsWith('  neolith ')))
    expect(line.length, line).toBeLessThanOrEqual(81);
  expect(stdout).not.toContain('default: []');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape that begins a colour
  expect(stdout).not.toMatch(/\u001b/);
});

it('lists the commands and the exit codes', async () => {
  const { code, stdout } = await run('--help');
  expect(code).toBe(0);
  for (const command of [
    'start',
    'daemon',
    'import',
    'execute',
    'runs',
    'graph',
    'next',
    'status',
    'logs',
    'sign-in',
  ])
    expect(stdout).toContain(command);
  expect(stdout).toContain('Exit codes: 0 done');
  expect(stdout).toContain('5 failed, 6 quarantined, 7 cancelled');
  expect((await run('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

it.each([
  [['no-such-command'], 'unknown command'],
  [['status', '--no-such-option'], 'unknown option'],
  [['start', '--port', 'http'], 'whole number from 1 to 65535'],
  [['start', '--slots', '0'], 'whole number from 1 to 1000'],
  [['daemon', '--all', '--drain-minutes', '-1'], 'number of minutes'],
  [['import'], 'missing required argument'],
  [['import', 'x.yaml', '--missing-priority', 'URGENT'], 'Allowed choices are CRITICAL'],
  [['import', 'x.yaml', '--assign', 'backend'], 'backend=Ada'],
  [['daemon', '--shell-command', 'true'], '--orchestrator NAME'],
  [['daemon', '--all', '--orchestrator', 'Ada', '--shell-command', 'true'], 'not both'],
  [['daemon', '--all', '--agent', 'shell'], '--shell-command'],
  [['daemon', '--all', '--agent', 'nobody'], 'Known agents: '],
  [['daemon', '--all', '--shell-command', 'true', '--merge-command', ' '], 'merge command is empty'],
  [['runs', 'bogus'], "unknown command 'runs bogus'"],
  [['runs', '--status', 'odd'], 'Allowed choices are pending'],
  [['runs', 'pause'], 'missing required argument'],
  [['runs', 'delete'], 'missing required argument'],
  [['import', 'x.yaml', '--run-timeout', 'soon'], '90s, 5m, 2h or 1d'],
  [['daemon', '--all', '--stalled-after', 'soon'], '90s, 5m, 2h or 1d'],
  [['import', 'x.yaml', '--waves', 'some'], 'Allowed choices are strict, off'],
  [['import', 'x.yaml', '--max-tasks', '0'], 'whole number from 1'],
  [['logs'], 'missing required argument'],
  [['logs', 'x', '--tail', '-1'], 'whole number from 0'],
  [['logs', 'x', '--attempt', '0'], 'whole number from 1'],
  [['graph'], 'Name either a plan, or a run'],
  [['graph', 'x.yaml', '--run', 'y'], 'Name either a plan, or a run'],
  [['graph', 'x.yaml', '--format', 'svg'], 'Allowed choices are text'],
  [['execute', 'x.yaml', '--check', ' '], 'command of --check is empty'],
  [['execute', '--run', 'x', '--only', 'y'], 'choose tasks of a plan'],
  [['execute', 'x.yaml', '--timeout', 'soon'], '90s, 5m, 2h or 1d'],
  [['execute', 'x.yaml', '-c', '0'], 'whole number from 1'],
  [['answer'], 'missing required argument'],
  [['execute', 'x.yaml', '--max-concurrent', 'many', '--shell-command', 'true'], 'whole number from 1'],
])('%j is wrong usage', async (args, message) => {
  const { code, stdout, stderr } = await run(...args);
  expect(stderr).toContain(message);
  expect(stdout).toBe('');
  expect(code).toBe(2);
});

it.each([
  [['runs', 'bogus'], 'unknown command'],
  [['import'], 'missing required argument'],
  [['status', '--bogus'], 'unknown option'],
  [['import', 'x', '--waves', 'odd'], 'Allowed choices'],
  [['graph'], 'Name either'],
])('%j with --json says what is wrong as one JSON document', async (args, message) => {
  const { code, stdout, stderr } = await run(...args, '--json');
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(JSON.parse(stderr)).toEqual({
    error: { code: expect.stringMatching(/^[A-Z_]+$/), message: expect.stringContaining(message) },
  });
});

it('shows and draws the graph of a plan without a server', async () => {
  const file = join(home, 'graph.yaml');
  await writeFile(
    file,
    'version: 1\nname: Graph\ntasks:\n  - {id: a, title: First, estimateMinutes: 10}\n  - {id: b, title: Second, dependsOn: [a]}\n  - {id: c, title: Third, dependsOn: [a, b]}\n',
  );
  const text = await run('graph', file);
  expect(text).toMatchObject({ code: 0, stderr: '' });
  expect(text.stdout).toContain('Graph: 3 tasks, 3 dependencies, 3 waves');
  expect(text.stdout).toContain('Critical path: 3 tasks, 1 h 10 min at least');
  expect(text.stdout).toContain('REDUNDANT_DEPENDENCY  "Third" depends on "First"');
  expect((await run('graph', file, '--format', 'dot')).stdout).toContain('"a" -> "b"');
  expect((await run('graph', file, '--format', 'mermaid')).stdout).toContain('flowchart');
  const written = (await run('graph', file, '--format', 'plan')).stdout;
  expect(JSON.parse(written)).toMatchObject({ version: 1, name: 'Graph', tasks: [{}, {}, {}] });
  // What is written is read as the same plan.
  await writeFile(join(home, 'graph.json'), written);
  const first = JSON.parse((await run('graph', file, '--json')).stdout);
  expect(JSON.parse((await run('graph', join(home, 'graph.json'), '--json')).stdout)).toEqual(first);
  expect(first).toMatchObject({ run: null, graph: { waves: [['a'], ['b'], ['c']] } });
  expect(await run('graph', 'nowhere.yaml')).toMatchObject({ code: 3 });
});

it('takes the port from PORT, and says so when it is none', async () => {
  const { code, stderr } = await runNeolith(['start'], { NEOLITH_HOME: home, PORT: 'http' });
  const empty = await runNeolith(['start', '--slots', '0'], { NEOLITH_HOME: home, PORT: '' });
  expect(empty.stderr).not.toContain('PORT');
  expect(stderr).toContain("from env 'PORT'");
  expect(stderr).toContain('whole number from 1 to 65535');
  expect(code).toBe(2);
});

it.each([
  [{ NEOLITH_URL: 'http://127.0.0.1:9' }, 'neither NEOLITH_TOKEN nor NEOLITH_TOKEN_FILE'],
  [{ NEOLITH_TOKEN: 'neo_x' }, 'NEOLITH_URL is not'],
  [{ NEOLITH_TOKEN_FILE: '/x' }, 'NEOLITH_TOKEN_FILE is set, but NEOLITH_URL is not'],
  [{ NEOLITH_URL: 'http://127.0.0.1:9', NEOLITH_TOKEN: 'a', NEOLITH_TOKEN_FILE: 'b' }, 'both set'],
  [{ NEOLITH_URL: 'nowhere', NEOLITH_TOKEN: 'a' }, 'must be an address'],
])('half of a pair, %j, is named', async (environment: Record<string, string>, message) => {
  const { code, stderr } = await runNeolith(['status'], { NEOLITH_HOME: home, ...environment });
  expect(stderr).toContain(message);
  expect(code).toBe(2);
});

it('does not send the token of this machine to another one', async () => {
  await writeFile(join(home, 'token'), 'neo_of_this_machine\n');
  const { code, stderr } = await run('status', '--server', 'http://neolith.invalid');
  await rm(join(home, 'token'));
  expect(code).toBe(2);
  expect(stderr).toContain('there is no token for it');
});

it('says what to do where there is no token, no server, or no such file', async () => {
  const noToken = await run('status');
  expect(noToken).toMatchObject({ code: 1, stdout: '' });
  expect(noToken.stderr).toContain('neolith start');
  const away = await runNeolith(['status', '--json'], {
    NEOLITH_HOME: home,
    NEOLITH_URL: 'http://127.0.0.1:9',
    NEOLITH_TOKEN: 'neo_some_token_of_mine',
  });
  expect(away.code).toBe(1);
  expect(JSON.parse(away.stderr)).toMatchObject({ error: { code: 'SERVER_UNREACHABLE' } });
  expect(away.stderr).not.toContain('neo_some');
  expect(await run('import', 'no-such-plan.yaml')).toMatchObject({ code: 3, stdout: '' });
});

it.each([
  [['--help'], 0],
  [['no-such-command'], 2],
])('%j ends with %i also when nobody reads what it prints', async (args, code) => {
  const child = spawn(process.execPath, [BIN, ...args], {
    env: bareEnvironment({ NEOLITH_HOME: home }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.destroy();
  child.stderr.destroy();
  expect((await once(child, 'exit'))[0]).toBe(code);
});

it('prints the schema of the routing configuration as the docs have it, without a server', async () => {
  const { code, stdout } = await run('routes', '--schema');
  expect(code).toBe(0);
  const published = new URL('../../../docs/reference/router.schema.json', import.meta.url);
  expect(JSON.parse(stdout)).toEqual(JSON.parse(await readFile(published, 'utf8')));
});
