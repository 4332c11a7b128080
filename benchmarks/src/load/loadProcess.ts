import { fork } from 'node:child_process';
import { once } from 'node:events';

/** A process that makes load: it is given one job at a time and answers each with what came of it. */
export interface LoadProcess<Job, Answer> {
  run(job: Job): Promise<Answer>;
  stop(): Promise<void>;
}

type Reply<Answer> = { ok: true; answer: Answer } | { ok: false; error: string };

/** @param script the compiled file beside this one, which calls `answerJobs` */
export async function startLoadProcess<Job extends object, Answer>(
  script: string,
): Promise<LoadProcess<Job, Answer>> {
  const child = fork(new URL(script, import.meta.url), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await once(child, 'message');
  const left = once(child, 'exit').then(() => {
    throw new Error(`${script} ended in the middle of a job`);
  });
  // At its own end nobody waits for it.
  left.catch(() => undefined);
  return {
    async run(job) {
      const reply = once(child, 'message') as Promise<[Reply<Answer>]>;
      child.send(job);
      const [message] = await Promise.race([reply, left]);
      if (!message.ok) throw new Error(`${script}: ${message.error}`);
      return message.answer;
    },
    async stop() {
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    },
  };
}

/** In the load process: does what it is told, one job after another, and ends with its parent. */
export function answerJobs<Job, Answer>(work: (job: Job) => Promise<Answer>): void {
  process.on('message', (job: Job) => {
    work(job).then(
      (answer) => process.send?.({ ok: true, answer }),
      (error: unknown) =>
        process.send?.({ ok: false, error: error instanceof Error ? (error.stack ?? '') : String(error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.('ready');
}
