import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Ran, runNeolith } from './support/runNeolith.js';

let root = '';
let home = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'neolith-doctor-'));
  home = join(root, 'home');
  await mkdir(join(root, 'bin'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** With no agent but those that a test makes, and nothing to log in with. */
const look = (more: Record<string, string> = {}, args: readonly string[] = []): Promise<Ran> =>
  runNeolith(
    ['doctor', '--json', ...args],
    { NEOLITH_HOME: home, HOME: root, PATH: join(root, 'bin'), ANTHROPIC_API_KEY: '', ...more },
    root,
  );
const findings = ({ stdout }: Ran): { check: string; status: string; detail: string; remedy?: string }[] =>
  JSON.parse(stdout).findings;

async function provide(name: string, script: string): Promise<void> {
  await writeFile(join(root, 'bin', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}
const provideGit = () =>
  symlink(
    execFileSync('/bin/sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim(),
    join(root, 'bin/git'),
  );

it('says what is missing on a bare machine, ends with 1, and makes nothing', async () => {
  const ran = await look();
  expect(ran.code).toBe(1);
  expect(JSON.parse(ran.stdout).ok).toBe(false);
  const found = findings(ran);
  expect(found.find(({ check }) => check === 'git')).toMatchObject({
    status: 'failure',
    detail: expect.stringContaining('Install git'),
  });
  expect(found.find(({ check }) => check === 'agents')).toMatchObject({
    status: 'warning',
    remedy: expect.stringContaining('--shell-command'),
  });
  expect(found.find(({ check }) => check === 'home')?.detail).toContain('will be made');
  expect(found.find(({ check }) => check === 'server')?.status).toBe('absent');
  expect(existsSync(home)).toBe(false);
});

it('names a git that is too old', async () => {
  await provide('git', 'echo git version 2.30.1');
  const ran = await look();
  expect(ran.code).toBe(1);
  expect(findings(ran).find(({ check }) => check === 'git')?.detail).toContain('2.30.1');
});

it('finds the repository with its stale locks, and agents with their version and log-in', async () => {
  await provideGit();
  await provide('claude', 'echo "2.1.0 (Claude Code)"');
  const shop = join(root, 'shop');
  await mkdir(shop);
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.org', ...args], { cwd: shop });
  git('init', '--quiet');
  git('commit', '--quiet', '--allow-empty', '--message=Begin');
  const lock = join(shop, '.git/index.lock');
  await writeFile(lock, '');
  const long = new Date(Date.now() - 3_600_000);
  await utimes(lock, long, long);
  const ran = await look({}, ['--repo-path', shop]);
  expect(ran.code).toBe(0);
  const found = findings(ran);
  expect(found.find(({ check }) => check === 'repository')?.status).toBe('ok');
  expect(found.find(({ check }) => check === 'lock')).toMatchObject({
    status: 'warning',
    detail: expect.stringContaining('60 min old'),
    remedy: expect.stringContaining(`rm '`),
  });
  expect(found.find(({ check }) => check === 'agent:claude')).toMatchObject({
    status: 'warning',
    detail: expect.stringContaining('claude 2.1.0'),
    remedy: expect.stringContaining('log in'),
  });
  const loggedIn = findings(await look({ ANTHROPIC_API_KEY: 'sk-not-shown' }));
  expect(loggedIn.find(({ check }) => check === 'agent:claude')).toMatchObject({
    status: 'ok',
    detail: expect.stringContaining('log-in: ANTHROPIC_API_KEY'),
  });
  expect(JSON.stringify(loggedIn)).not.toContain('sk-not-shown');
});

it('tells of the record of a server that was killed, and of another program on its port', async () => {
  await provideGit();
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as { port: number };
  await mkdir(home);
  const record = { life: 'neolith-start:1-1', pid: 1, port, url: `http://127.0.0.1:${port}` };
  await writeFile(join(home, 'start.json'), JSON.stringify(record));
  // Takes each connection and closes it.
  other.on('connection', (socket) => socket.destroy());
  try {
    const details = findings(await look())
      .filter(({ check }) => check === 'server')
      .map(({ status, detail }) => `${status} ${detail}`);
    expect(details).toEqual([
      expect.stringMatching(/^warning .*process 1 was killed/),
      expect.stringContaining(`port ${port} is taken by another program`),
    ]);
  } finally {
    await new Promise((resolve) => other.close(resolve));
  }
});

it('tells what is wrong with the routing configuration, where, and which of its agents are not there', async () => {
  await provideGit();
  await provide('claude', 'echo "2.1.0 (Claude Code)"');
  const file = join(root, 'router.config.json');
  const ofRouter = (ran: Ran) => findings(ran).filter(({ check }) => check === 'router-config');
  // There need not be one.
  expect(ofRouter(await look())).toEqual([]);

  await writeFile(file, '{"rules": [{"agents": ["claude"], "when": {"types": ["bugg"]}}]}');
  const bad = await look();
  expect(bad.code).toBe(1);
  expect(ofRouter(bad)).toEqual([
    {
      check: 'router-config',
      status: 'failure',
      detail: expect.stringMatching(
        /router\.config\.json can't be used: .*rules\[0\]\.when\.types\[0\].* Correct it/,
      ),
    },
  ]);
  await writeFile(file, '{"rules": [');
  expect(ofRouter(await look())[0]?.detail).toMatch(/router\.config\.json is not JSON .* Correct it/);

  const rules = [
    { agents: ['claude', 'codex'] },
    { name: 'scripts', agents: ['shell'], fallback: false },
    { agents: ['klaude'] },
  ];
  await writeFile(file, JSON.stringify({ rules, defaultAgents: ['gemini'] }));
  const good = await look();
  expect(good.code).toBe(0);
  expect(ofRouter(good).map(({ status, detail }) => `${status} ${detail}`)).toEqual([
    expect.stringMatching(/^ok tasks are routed by .*router\.config\.json, 3 rules$/),
    'warning it names agents that nobody knows: klaude',
    'warning it names agents that are not there, and are passed over: codex, shell, gemini',
    'warning what these rules match waits for ever on this machine: "scripts"',
  ]);
  const elsewhere = await look({}, ['--router', join(root, 'no-such.json')]);
  expect(elsewhere.code).toBe(1);
  expect(ofRouter(elsewhere)[0]).toMatchObject({
    status: 'failure',
    detail: expect.stringContaining('no-such.json'),
  });
});
