import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createTestDatabase, type TestDatabase } from '@neolith/database/testing';
import { createWorkEngine, type WorkEngine } from '@neolith/work-engine';
import { afterAll, beforeAll, expect, it } from 'vitest';

const execute = promisify(execFile);
const examples = fileURLToPath(new URL('..', import.meta.url));

let test: TestDatabase;
let engine: WorkEngine;

beforeAll(async () => {
  test = await createTestDatabase();
  const unscoped = createWorkEngine(test.database);
  const workspace = await unscoped.createWorkspace({ slug: 'examples', name: 'Examples' });
  engine = unscoped.as({ workspaceId: workspace.id });
  const atlas = await engine.createOrchestrator({
    name: 'Atlas',
    role: 'Engineer',
    discipline: 'Engineering',
  });
  await engine.createTasks([
    { title: 'Lay the foundation', key: 'a', priority: 'HIGH', orchestratorId: atlas.id },
    { title: 'Raise the walls', priority: 'CRITICAL', orchestratorId: atlas.id, dependsOn: ['a'] },
    { title: 'Sweep the floor', priority: 'LOW', orchestratorId: atlas.id },
  ]);
});

afterAll(async () => {
  await engine?.close();
  await test?.drop();
});

const environment = () => ({ PATH: process.env.PATH, HOME: process.env.HOME, DATABASE_URL: test.url });

it('a plain Node script selects, claims and completes', async () => {
  const script = join(examples, 'node-script', 'next.mjs');
  const first = await execute(process.execPath, [script, 'Atlas'], { env: environment() });
  expect(first.stdout).toBe(
    'Next: Lay the foundation (HIGH)\nDone: Lay the foundation; 1 task(s) unblocked\n',
  );
  const second = await execute(process.execPath, [script, 'Atlas'], { env: environment() });
  expect(second.stdout).toBe(
    'Next: Raise the walls (CRITICAL)\nDone: Raise the walls; 0 task(s) unblocked\n',
  );
});

it('a script with a wrong name fails with what there is', async () => {
  const failed = execute(process.execPath, [join(examples, 'node-script', 'next.mjs'), 'Nobody'], {
    env: environment(),
  });
  await expect(failed).rejects.toMatchObject({
    code: 1,
    stderr: 'Orchestrator not found: Nobody; there are Atlas\n',
  });
});

it('a Next.js server component shows the next task', async () => {
  const app = join(examples, 'next-page');
  const next = createRequire(join(app, 'package.json')).resolve('next/dist/bin/next');
  await rm(join(app, '.next'), { recursive: true, force: true });
  const env = { ...environment(), NEXT_TELEMETRY_DISABLED: '1' };
  await execute(process.execPath, [next, 'build'], {
    cwd: app,
    env: { ...env, DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none' },
  });
  const server = spawn(process.execPath, [next, 'start', '--hostname', '127.0.0.1', '--port', '0'], {
    cwd: app,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    let output = '';
    server.stdout.on('data', (part: Buffer) => {
      output += part.toString();
    });
    const deadline = performance.now() + 30_000;
    let address: string | undefined;
    while (address === undefined && performance.now() < deadline) {
      address = /Local:\s+(http:\/\/[^\s]+)/.exec(output)?.[1];
      await delay(50);
    }
    const page = await (await fetch(address as string)).text();
    expect(page.replaceAll('<!-- -->', '')).toContain('<li>Atlas: Sweep the floor</li>');
  } finally {
    server.kill('SIGTERM');
    await once(server, 'exit');
  }
});

it('the README shows the script that runs here', async () => {
  const readme = await readFile(join(examples, '..', 'README.md'), 'utf8');
  const script = await readFile(join(examples, 'node-script', 'next.mjs'), 'utf8');
  for (const line of [
    "from '@neolith/work-engine';",
    'await selectNextTask(',
    'await claimNextTask(',
    'for (const { task, attempt } of claims) {',
    'await closeDefaultEngine();',
  ]) {
    expect(readme).toContain(line);
    expect(script).toContain(line);
  }
});
