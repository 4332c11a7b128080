import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ended, type Processes } from './processes.js';
import type { ScriptedAgent } from './scriptedAgent.js';
import { TARGET, type WorkRepository } from './workRepository.js';

const NEOLITH = fileURLToPath(new URL('../../packages/cli/bin/neolith.js', import.meta.url));

export interface DaemonFleetOptions {
  readonly amount: number;
  readonly slots: number;
  readonly leaseSeconds: number;
  /** Their way to the servers. */
  readonly url: string;
  readonly token: string;
  readonly directory: string;
  readonly repository: WorkRepository;
  readonly agent: ScriptedAgent;
  readonly processes: Processes;
  readonly onOutput: (text: string) => void;
}

/** Several `neolith daemon`, each with a home of its own, in one repository. */
export interface DaemonFleet {
  /** SIGKILL to one of those that are not stopped, and a new one under its name. @param target in [0, 1) */
  killAndRestart(target: number): Promise<void>;
  /** SIGSTOP for so long, then SIGCONT. @param target in [0, 1) */
  pause(target: number, ms: number, signal: AbortSignal): Promise<void>;
  /** SIGTERM to all; those that drain for too long are told again, and killed at last. @returns what ended other than by itself with 0. */
  stop(): Promise<string[]>;
}

/** Far more than it takes when there is nothing left to do. */
const DRAIN_MS = 120_000;

export function startDaemonFleet(options: DaemonFleetOptions): DaemonFleet {
  const { processes } = options;
  const daemons = new Map<string, ChildProcess>();
  const paused = new Set<string>();

  function begin(name: string): void {
    const child = processes.start(
      process.execPath,
      [
        ...[NEOLITH, 'daemon', '--name', name, '--all', '--slots', String(options.slots)],
        ...['--lease-seconds', String(options.leaseSeconds), '--log', 'json'],
        ...['--agent', 'shell', '--shell-command', options.agent.command],
        ...['--repo-path', options.repository.path, '--target', TARGET],
      ],
      {
        cwd: options.directory,
        env: {
          PATH: process.env.PATH,
          ...options.repository.environment,
          NEOLITH_HOME: join(options.directory, name),
          NEOLITH_URL: options.url,
          NEOLITH_TOKEN: options.token,
        },
        onOutput: options.onOutput,
      },
    );
    daemons.set(name, child);
  }

  for (let number = 1; number <= options.amount; number += 1) begin(`daemon-${number}`);

  function choose(target: number): string {
    const names = [...daemons.keys()].filter((name) => !paused.has(name));
    return names[Math.floor(target * names.length)] as string;
  }

  return {
    async killAndRestart(target) {
      const name = choose(target);
      const child = daemons.get(name) as ChildProcess;
      child.kill('SIGKILL');
      await ended(child);
      begin(name);
    },
    async pause(target, ms, signal) {
      const name = choose(target);
      const child = daemons.get(name) as ChildProcess;
      paused.add(name);
      child.kill('SIGSTOP');
      try {
        await delay(ms, undefined, { signal });
      } finally {
        child.kill('SIGCONT');
        paused.delete(name);
      }
    },
    async stop() {
      const wrong: string[] = [];
      const stopOne = async (name: string, child: ChildProcess): Promise<void> => {
        child.kill('SIGTERM');
        const timers = [
          setTimeout(() => child.kill('SIGTERM'), DRAIN_MS / 2),
          setTimeout(() => child.kill('SIGKILL'), DRAIN_MS),
        ];
        const startedMs = performance.now();
        await ended(child);
        for (const timer of timers) clearTimeout(timer);
        const tookMs = performance.now() - startedMs;
        if (child.exitCode !== 0 || tookMs >= DRAIN_MS / 2)
          wrong.push(
            `${name} took ${Math.round(tookMs)} ms to end, with ${child.exitCode ?? child.signalCode}`,
          );
      };
      await Promise.all([...daemons].map(([name, child]) => stopOne(name, child)));
      return wrong;
    },
  };
}
