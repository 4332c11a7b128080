import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  createClient,
  type EngineEvent,
  type NeolithClient,
  type NewOrchestrator,
  type NewTask,
  type OrchestratorDetail,
  type Task,
  type TaskDetail,
} from '@neolith/contracts';
import { createTestDatabase, type TestDatabase } from '@neolith/database/testing';
import { createWorkEngine, type WorkEngine } from '@neolith/work-engine';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { createAgent } from '../../../src/agents/registry.js';
import { endStrays } from '../../../src/process/strays.js';
import { createDaemon, createLog, type DaemonOptions, type WorkerDaemon } from '../../../src/worker/index.js';
import { IN_VAIN_MS } from '../../process/processes.js';
import { startTestServer, type TestServer, TOKEN } from './testServer.js';

const here = fileURLToPath(new URL('.', import.meta.url));
export const AGENT_COMMAND = [process.execPath, join(here, 'scriptedAgent.mjs')];

export interface DaemonProcess {
  readonly name: string;
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  /** What it logged so far. */
  log(): string;
}

/** One database, engine and server for a test file; a directory and the daemons of each test. */
export function openWorkplace() {
  let test: TestDatabase;
  let all: WorkEngine;
  let engine: WorkEngine;
  let server: TestServer;
  let directory = '';
  let made = 0;
  const daemons: WorkerDaemon[] = [];
  const processes: DaemonProcess[] = [];
  const logs: string[] = [];

  beforeAll(async () => {
    test = await createTestDatabase();
    all = createWorkEngine(test.database);
    const workspace = await all.createWorkspace({ slug: 'test', name: 'Test' });
    engine = all.as({ workspaceId: workspace.id });
  });
  afterAll(async () => {
    await all.close();
    await test.drop();
  });
  beforeEach(async () => {
    logs.length = 0;
    directory = await mkdtemp(join(tmpdir(), 'neolith-worker-'));
    server = await startTestServer(engine);
  });
  afterEach(async () => {
    server.fault = () => null;
    await Promise.all(daemons.splice(0).map((daemon) => daemon.stop()));
    for (const { name, child, ended } of processes.splice(0)) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGCONT');
        child.kill('SIGKILL');
        await ended;
      }
      // What a daemon that was killed had running, also where the test failed.
      await endStrays(name, { graceMs: 0 });
    }
    await server.close();
    await rm(directory, { recursive: true, force: true });
  });

  const agent = (command: readonly string[] | string = AGENT_COMMAND) =>
    createAgent('shell', { hostEnvironment: process.env, baseDirectory: directory }, { shell: { command } });
  const client = (): NeolithClient => createClient({ baseUrl: server.url, token: TOKEN });
  const uniqueName = () => `test-${process.pid}-${++made}`;

  function options(overrides: Partial<DaemonOptions> & Pick<DaemonOptions, 'orchestrators'>): DaemonOptions {
    return {
      client: client(),
      agent: agent(),
      name: uniqueName(),
      attemptsDirectory: join(directory, 'attempts'),
      slots: 4,
      graceMs: 300,
      secrets: [TOKEN],
      log: createLog({ form: 'json', level: 'debug', write: (line) => logs.push(line) }),
      ...overrides,
    };
  }

  return {
    get engine() {
      return engine;
    },
    get server() {
      return server;
    },
    get directory() {
      return directory;
    },
    get database() {
      return test;
    },
    client,
    agent,
    uniqueName,
    log: () => logs.join(''),
    path: (name: string) => join(directory, name),
    open: (gate: string) => writeFile(gate, ''),
    orchestrator(overrides: Partial<NewOrchestrator> = {}): Promise<OrchestratorDetail> {
      made += 1;
      return engine.createOrchestrator({
        name: `Orchestrator ${made}`,
        role: 'Engineer',
        discipline: 'Engineering',
        maxConcurrentTasks: 100,
        ...overrides,
      });
    },
    task(orchestrator: { id: string }, overrides: Partial<NewTask> = {}): Promise<Task> {
      return engine.createTask({ title: 'A task', orchestratorId: orchestrator.id, ...overrides });
    },
    daemon(overrides: Partial<DaemonOptions> & Pick<DaemonOptions, 'orchestrators'>): WorkerDaemon {
      const daemon = createDaemon(options(overrides));
      daemons.push(daemon);
      return daemon;
    },
    /** A daemon in a process of its own; resolves when it serves. */
    async daemonProcess(overrides: Record<string, unknown> & { orchestrators: readonly string[] }) {
      const { log: _log, client: _client, agent: _agent, ...rest } = options(overrides);
      const child = spawn(
        process.execPath,
        [
          join(here, 'daemonProcess.mjs'),
          JSON.stringify({ ...rest, url: server.url, token: TOKEN, command: AGENT_COMMAND }),
        ],
        { stdio: ['ignore', 'pipe', 'pipe'] },
      );
      let log = '';
      let out = '';
      child.stderr?.on('data', (chunk: Buffer) => {
        log += chunk.toString();
      });
      child.stdout?.on('data', (chunk: Buffer) => {
        out += chunk.toString();
      });
      const ended = once(child, 'exit').then(([code]) => code as number | null);
      const process_: DaemonProcess = { name: rest.name, child, ended, log: () => log };
      processes.push(process_);
      await until(() => out.includes('"id"') || child.exitCode !== null, 'the daemon to serve');
      if (child.exitCode !== null) throw new Error(`The daemon ended at its start: ${log}`);
      return process_;
    },
    /** Sweeps leases as the server would, while waiting. */
    async untilStatus(taskId: string, status: TaskDetail['status']): Promise<TaskDetail> {
      let task: TaskDetail | undefined;
      await until(
        async () => {
          await engine.sweepExpiredLeases();
          task = await engine.getTask(taskId);
          return task.status === status;
        },
        () => `task ${taskId} to be ${status}; it is ${task?.status}`,
      );
      return task as TaskDetail;
    },
    async events(taskId: string): Promise<EngineEvent[]> {
      return (await engine.listTaskEvents(taskId, 500)).events;
    },
  };
}

/** Polls until the condition holds; throws with `what` after two minutes. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string | (() => string),
): Promise<void> {
  const giveUpAt = performance.now() + IN_VAIN_MS;
  while (!(await condition())) {
    if (performance.now() > giveUpAt) {
      throw new Error(`Waited ${IN_VAIN_MS} ms in vain for ${typeof what === 'string' ? what : what()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export function readPidFile(path: string): number[] {
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').filter(Boolean).map(Number) : [];
}
