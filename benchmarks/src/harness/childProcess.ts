import { fork, type ChildProcess as NodeChild } from 'node:child_process';
import { once } from 'node:events';
import type { Response } from './answerParent.js';
import { nodeOfContestants } from './nodeOfContestants.js';

/** A process that answers questions; see answerParent. Neither its heap nor its event loop is another's. */
export interface AskedProcess<Request extends { readonly ask: string }> {
  ask(request: Request): Promise<unknown>;
  /** Asks a last time, and waits until the process has ended. */
  end(last: Request): Promise<void>;
}

export function startAsked<Request extends { readonly ask: string }>(path: string): AskedProcess<Request> {
  const child = fork(path, [], {
    execPath: nodeOfContestants().path,
    // For profiles: `--cpu-prof`.
    execArgv: (process.env.BENCH_NODE_OPTIONS ?? '').split(' ').filter((word) => word !== ''),
    // graphile-worker's own benchmarks set this, too: no line of log for each job.
    env: { ...process.env, NO_LOG_SUCCESS: '1' },
    serialization: 'advanced',
  });
  const ask = (request: Request): Promise<unknown> => askChild(child, request);
  return {
    ask,
    async end(last) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      await ask(last).catch((error: unknown) => {
        console.error(error);
        child.kill();
      });
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}

/** One question at a time: the answer is the next message. */
async function askChild(child: NodeChild, request: { readonly ask: string }): Promise<unknown> {
  if (!child.connected) throw new Error(`The process ended before it was asked to ${request.ask}`);
  const response = await new Promise<Response>((resolve) => {
    const settle = (found: Response): void => {
      child.off('message', onMessage);
      child.off('exit', onExit);
      resolve(found);
    };
    const onMessage = (message: unknown): void => settle(message as Response);
    const onExit = (code: number | null, signal: string | null): void =>
      settle({ error: `its process ended with ${signal ?? code}` });
    child.once('message', onMessage);
    child.once('exit', onExit);
    child.send(request);
  });
  if ('error' in response) throw new Error(`Asked to ${request.ask}: ${response.error}`);
  return response.answer;
}
