import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Drained } from '../contestants/contestant.js';
import type { ContestantSettings } from '../contestants/contestantSettings.js';
import type { Request, Response } from '../contestants/serveContestant.js';
import { nodeOfContestants } from './nodeOfContestants.js';

/** A contestant in a process of its own: neither its heap nor its event loop is another's. */
export interface ContestantProcess {
  readonly joinWith: string | null;
  fill(tasks: number): Promise<void>;
  drain(tasks: number, inFlight: number): Promise<Drained>;
  verify(): Promise<void>;
  /** Closes it and waits until its process has ended. */
  close(): Promise<void>;
}

const SERVE = fileURLToPath(new URL('../contestants/serveContestant.js', import.meta.url));

export async function openContestantProcess(settings: ContestantSettings): Promise<ContestantProcess> {
  const child = fork(SERVE, [], {
    execPath: nodeOfContestants().path,
    execArgv: process.env.BENCH_NODE_OPTIONS?.split(' ') ?? [],
    // Its own benchmarks set this too: no line of log for each job.
    env: { ...process.env, NO_LOG_SUCCESS: '1' },
    serialization: 'advanced',
  });
  const joinWith = (await ask(child, { ask: 'open', settings }).catch((error: unknown) => {
    child.kill();
    throw error;
  })) as string | null;
  return {
    joinWith,
    fill: async (tasks) => {
      await ask(child, { ask: 'fill', tasks });
    },
    drain: async (tasks, inFlight) => (await ask(child, { ask: 'drain', tasks, inFlight })) as Drained,
    verify: async () => {
      await ask(child, { ask: 'verify' });
    },
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      await ask(child, { ask: 'close' }).catch(() => child.kill());
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}

/** One question at a time: the answer is the next message. */
async function ask(child: ChildProcess, request: Request): Promise<unknown> {
  if (!child.connected)
    throw new Error(`The contestant's process has ended before it was asked to ${request.ask}`);
  const response = await new Promise<Response>((resolve) => {
    const settle = (found: Response): void => {
      child.off('message', onMessage);
      child.off('exit', onExit);
      resolve(found);
    };
    const onMessage = (message: unknown): void => settle(message as Response);
    const onExit = (code: number | null, signal: string | null): void =>
      settle({ error: `Its process ended with ${signal ?? code}` });
    child.once('message', onMessage);
    child.once('exit', onExit);
    child.send(request);
  });
  if ('error' in response) throw new Error(`A contestant failed to ${request.ask}: ${response.error}`);
  return response.answer;
}
