import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { NewTask, RunSettings } from '@neolith/contracts';
import { afterEach, beforeEach } from 'vitest';
import { endStrays } from '../../../src/process/strays.js';
import type { DaemonReport } from '../../../src/worker/index.js';
import { makeWorkshop, type Workshop } from '../../git/support/workshop.js';
import { isAlive } from '../../process/processes.js';
import { TOKEN } from '../../worker/support/testServer.js';
import { openWorkplace, readPidFile, until } from '../../worker/support/workplace.js';

const PROCESS = fileURLToPath(new URL('./assemblyProcess.mjs', import.meta.url));

/** Before the body of every agent: what it was given, and its words for the daemon. */
const PRELUDE = `
import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
const say = (object) => console.log('::neolith ' + JSON.stringify(object));
const stdin = readFileSync(0, 'utf8');
const context = JSON.parse(process.env.NEOLITH_CONTEXT_FILE === undefined ? '{}' : stdin);
const task = context.task;
const number = (context.previousAttempts ?? []).length + 1;
// Where git knows nobody, agents that commit have to say who they are.
for (const who of ['AUTHOR', 'COMMITTER'])
  Object.assign(process.env, { ['GIT_' + who + '_NAME']: 'An agent', ['GIT_' + who + '_EMAIL']: 'agent@example.org' });
const git = (...args) => execFileSync('git', args, { encoding: 'utf8' });
const note = (file, text) => appendFileSync(file, text + '\\n');
const gate = async (file) => { while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 20)); };
`;

export interface AssemblyOptions {
  readonly orchestrators: readonly string[];
  readonly name?: string;
  /** Of the `shell` agent; or another agent with its configuration. */
  readonly command?: readonly string[] | string;
  readonly agent?: { readonly name: string; readonly configuration: object };
  readonly slots?: number;
  readonly mergesAside?: number;
  readonly leaseSeconds?: number;
  readonly graceMs?: number;
  readonly targetBranch?: string;
  readonly check?: string;
  /** `debug`: every line of its agents is in its log, too. Default: info. */
  readonly level?: 'debug' | 'info';
  readonly secrets?: readonly string[];
  /** Besides this process's own. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Where its worktrees lie. Default: the workshop's. */
  readonly worktreesDirectory?: string;
  /** What starts it, such as `['unshare', '-m', …]`. Default: nothing but node. */
  readonly starter?: readonly string[];
}

export interface AssemblyProcess {
  readonly name: string;
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  /** What it logged so far. */
  log(): string;
  /** After it has ended by itself. */
  report(): DaemonReport & { readonly memoryBytesMax: number };
}

/** A whole daemon on a real repository, before a real server and database. One for a test file; all afresh for each test. */
export function openAssembly() {
  const work = openWorkplace();
  const processes: AssemblyProcess[] = [];
  let shop: Workshop | null = null;
  let made = 0;

  beforeEach(() => {
    shop = makeWorkshop();
  });
  afterEach(async () => {
    for (const { name, child, ended } of processes.splice(0)) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGCONT');
        child.kill('SIGKILL');
        await ended;
      }
      await endStrays(name, { graceMs: 0 });
    }
    for (const pid of readPidFile(work.path('pids')).filter(isAlive)) process.kill(pid, 'SIGKILL');
    shop?.remove();
  });

  const requireShop = (): Workshop => {
    if (shop === null) throw new Error('There is no repository outside of a test');
    return shop;
  };

  return {
    work,
    get shop() {
      return requireShop();
    },
    /** Writes an agent whose body begins with `task`, `number` (of the attempt), `say`, `git`, `note`, `gate`. */
    agent(body: string): readonly string[] {
      made += 1;
      const file = work.path(`agent-${made}.mjs`);
      writeFileSync(file, `${PRELUDE}\n${body}\n`);
      return [process.execPath, file];
    },
    /** A run with a merge stage, started; its tasks in the order of their titles. */
    async run(tasks: readonly (Partial<NewTask> & { title: string })[], config: RunSettings = {}) {
      const orchestrator = await work.orchestrator();
      const run = await work.engine.createRun({
        name: 'Assembled',
        orchestratorId: orchestrator.id,
        config: { mergeStage: true, maxConcurrentTasks: 100, ...config },
        tasks: tasks.map((task, index) => ({ key: `t${index}`, ...task })),
      });
      await work.engine.startRun(run.id);
      const { tasks: stored } = await work.engine.listTasks({ runId: run.id, limit: 100 });
      const ids = stored.sort((a, b) => (a.title < b.title ? -1 : 1)).map(({ id }) => id);
      return {
        orchestrators: [orchestrator.id],
        runId: run.id,
        ids,
        id: ids[0] as string,
        target: `neolith/run_${run.id.slice('run_'.length)}`,
      };
    },
    /** Starts a daemon in a process of its own; resolves when it serves. */
    async daemon(options: AssemblyOptions): Promise<AssemblyProcess> {
      const { path, environment } = requireShop();
      const { command = [], starter = [], ...more } = options;
      const name = options.name ?? work.uniqueName();
      made += 1;
      const file = work.path(`daemon-${made}.json`);
      const configuration = {
        agent: { name: 'shell', configuration: { command } },
        slots: 8,
        graceMs: 300,
        leaseSeconds: 10,
        targetBranch: null,
        check: null,
        level: 'info',
        secrets: [TOKEN],
        ...more,
        name,
        url: work.server.url,
        token: TOKEN,
        attemptsDirectory: work.path('attempts'),
        logsDirectory: work.path('logs'),
        repository: {
          path,
          worktreesDirectory: options.worktreesDirectory ?? requireShop().worktreesDirectory,
          environment,
        },
      };
      writeFileSync(file, JSON.stringify(configuration), { mode: 0o600 });
      const [program = process.execPath, ...args] = [...starter, process.execPath, PROCESS, file];
      const child = spawn(program, args, {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, ...options.environment },
      });
      let log = '';
      let out = '';
      child.stderr?.on('data', (chunk: Buffer) => {
        log += chunk.toString();
      });
      child.stdout?.on('data', (chunk: Buffer) => {
        out += chunk.toString();
      });
      const ended = once(child, 'close').then(([code]) => code as number | null);
      const started: AssemblyProcess = {
        name,
        child,
        ended,
        log: () => log,
        report: () => JSON.parse(out.trimEnd().split('\n').at(-1) ?? ''),
      };
      processes.push(started);
      await until(() => out.includes('"serving"') || child.exitCode !== null, 'the daemon to serve');
      if (child.exitCode !== null) throw new Error(`The daemon ended at its start: ${log}`);
      return started;
    },
    /** The commits between the start of a run and its target that say to be of this task. */
    commitsOf(target: string, taskId: string): string[] {
      const log = requireShop().git(
        ...['log', '--format=%H %(trailers:key=Neolith-Task,valueonly,separator=%x2C)', `main..${target}`],
      );
      return log.split('\n').filter((line) => line.includes(taskId));
    },
  };
}

export { readPidFile, until };
