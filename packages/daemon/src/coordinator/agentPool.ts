import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import type { AgentAdapter } from '../agents/agentAdapter.js';
import { prepareAttemptDirectory, removeAttemptDirectory } from '../agents/attemptDirectory.js';
import type { AgentRun, AgentRunReport } from '../agents/runAgent.js';
import { createBoundedText } from '../process/boundedText.js';
import { describeDaemonLife, endStrays } from '../process/strays.js';
import { DEFAULT_STALLED_AFTER_MS, type ProcessHealth } from '../process/watchHealth.js';
import { DAEMON_DEFAULTS } from '../worker/daemonOptions.js';
import { buildExecutionRequest } from '../worker/executionRequest.js';
import { runExecution } from '../worker/runExecution.js';
import { CoordinatorError } from './coordinatorError.js';

export interface SpawnRequest {
  readonly adapter: AgentAdapter;
  readonly prompt: string;
  /** Where it works; must exist. */
  readonly directory: string;
  /** Milliseconds; default: no limit. */
  readonly timeoutMs?: number;
  readonly model?: string;
}

export interface AgentHealth {
  readonly id: string;
  readonly agent: string;
  readonly pid: number | null;
  readonly startedAt: Date;
  /** Null: it has said nothing yet. */
  readonly lastOutputAt: Date | null;
  readonly status: 'running' | 'ended';
  /** CPU time, memory and how long it has been silent, as of the last look; null before it. */
  readonly process: ProcessHealth | null;
  /** Null while it runs. */
  readonly report: AgentRunReport | null;
}

/** Single agents, beside any plan. Of those that have ended the last 100 are known. */
export interface AgentPool {
  /** Starts an agent on a prompt; answers its id. */
  spawnAgent(request: SpawnRequest): Promise<string>;
  /** How it is. Throws CoordinatorError `AGENT_NOT_SPAWNED` for an id that is none of ours; so do the others. */
  monitorAgentHealth(id: string): AgentHealth;
  /** Ends it with everything it started; resolves when nothing of it is alive. */
  terminateAgent(id: string): Promise<AgentRunReport>;
  /** All that run. */
  terminateAll(): Promise<void>;
  /** Resolves when it has ended by itself. */
  waitForAgent(id: string): Promise<AgentRunReport>;
  /** What it printed, sanitised and redacted; head and tail where it is much. */
  collectAgentLogs(id: string): string;
}

export interface AgentPoolOptions {
  readonly attemptsDirectory: string;
  readonly graceMs?: number | undefined;
  readonly secrets?: readonly string[] | undefined;
}

interface Spawned {
  readonly run: AgentRun;
  readonly agent: string;
  readonly startedAt: Date;
  readonly output: ReturnType<typeof createBoundedText>;
  lastOutputAt: Date | null;
  report: AgentRunReport | null;
}

const LOG_BYTES = 5 * 1024 * 1024;
/** In the marker by which strays are found. */
const POOL = 'neolith-coordinator';
const ENDED_KNOWN_MAX = 100;

export function createAgentPool(options: AgentPoolOptions): AgentPool {
  const agents = new Map<string, Spawned>();
  /** What coordinators that were killed had left running is ended before anything is started. */
  let swept: Promise<unknown> | null = null;
  /** Those that are being started. */
  const spawning = new Set<Promise<string>>();

  function spawnAgent(request: SpawnRequest): Promise<string> {
    const started = start(request).finally(() => spawning.delete(started));
    spawning.add(started);
    return started;
  }

  async function sweep(): Promise<void> {
    swept ??= endStrays(POOL);
    try {
      await swept;
    } catch (error) {
      swept = null;
      throw error;
    }
  }

  async function start(request: SpawnRequest): Promise<string> {
    await sweep();
    const id = `agent_${randomUUID()}`;
    const directory = await prepareAttemptDirectory(options.attemptsDirectory, id);
    const output = createBoundedText(LOG_BYTES);
    try {
      const run = await runExecution(
        request.adapter,
        buildExecutionRequest({
          taskId: id,
          attemptId: id,
          agent: request.adapter.name,
          model: request.model,
          workingDirectory: resolve(request.directory),
          attemptDirectory: directory,
          context: null,
          prompt: request.prompt,
          mayBeSilent: request.adapter.mayBeSilent,
          defaults: {
            taskTimeoutMs: request.timeoutMs ?? null,
            stalledAfterMs: DEFAULT_STALLED_AFTER_MS,
            graceMs: options.graceMs ?? DAEMON_DEFAULTS.graceMs,
          },
        }),
        {
          daemonMarker: await describeDaemonLife(POOL),
          secrets: options.secrets ?? [],
          onSignal: () => touch(id),
          onLog(line) {
            touch(id);
            output.append(`${line.text}\n`);
          },
        },
      );
      const spawned: Spawned = {
        ...{ run, agent: request.adapter.name, startedAt: new Date(), output },
        ...{ lastOutputAt: null, report: null },
      };
      agents.set(id, spawned);
      void run.finished.then(async (report) => {
        spawned.report = report;
        forgetOldest();
        // What can't be removed now is removed with the directory of all attempts.
        await removeAttemptDirectory(directory).catch(() => undefined);
      });
      return id;
    } catch (error) {
      await removeAttemptDirectory(directory);
      throw error;
    }
  }

  function forgetOldest(): void {
    const ended = [...agents].filter(([, { report }]) => report !== null);
    for (const [id] of ended.slice(0, Math.max(0, ended.length - ENDED_KNOWN_MAX))) agents.delete(id);
  }

  function touch(id: string): void {
    const spawned = agents.get(id);
    if (spawned !== undefined) spawned.lastOutputAt = new Date();
  }

  function find(id: string): Spawned {
    const spawned = agents.get(id);
    if (spawned !== undefined) return spawned;
    throw new CoordinatorError(
      'AGENT_NOT_SPAWNED',
      `There is no agent ${JSON.stringify(id)}: use an id that spawnAgent() answered.`,
    );
  }

  return {
    spawnAgent,
    monitorAgentHealth(id) {
      const { run, agent, startedAt, lastOutputAt, report } = find(id);
      const status = report === null ? 'running' : 'ended';
      return { id, agent, pid: run.pid, startedAt, lastOutputAt, status, process: run.health(), report };
    },
    terminateAgent: (id) => find(id).run.terminate('cancelled'),
    async terminateAll() {
      // Who failed to start has told it to whoever wanted it.
      await Promise.allSettled(spawning);
      const running = [...agents.values()].filter(({ report }) => report === null);
      await Promise.all(running.map(({ run }) => run.terminate('cancelled')));
    },
    waitForAgent: (id) => find(id).run.finished,
    collectAgentLogs: (id) => find(id).output.read().text,
  };
}
