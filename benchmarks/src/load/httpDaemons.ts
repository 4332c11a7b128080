import { Client } from 'undici';
import { answerJobs } from './loadProcess.js';

/** A daemon as the server sees it: one connection kept open, one call at a time. */
export interface DaemonSeat {
  readonly orchestratorId: string;
  readonly daemonId: string;
  readonly token: string;
}

export type DaemonJob =
  | { kind: 'tasks'; url: string; daemons: readonly DaemonSeat[]; perCall: number }
  | { kind: 'requests'; url: string; path: string; connections: number; requests: number };

export interface DaemonAnswer {
  requests: number;
  tasks: number;
  startedAt: number;
  endedAt: number;
}

interface Claims {
  claims: { task: { id: string }; attempt: { id: string } }[];
}
interface Results {
  results: { settlement: object | null }[];
}

answerJobs<DaemonJob, DaemonAnswer>(async (job) => {
  const total = { requests: 0, tasks: 0 };
  const startedAt = Date.now();
  if (job.kind === 'requests') {
    let left = job.requests;
    await Promise.all(
      Array.from({ length: job.connections }, () =>
        withClient(job.url, async (client) => {
          while (left > 0) {
            left -= 1;
            const { statusCode, body } = await client.request({ method: 'GET', path: job.path });
            await body.json();
            if (statusCode !== 200) throw new Error(`${job.path} answered ${statusCode}`);
            total.requests += 1;
          }
        }),
      ),
    );
  } else {
    await Promise.all(
      job.daemons.map((daemon, seat) =>
        withClient(job.url, (client) => work(client, daemon, `${process.pid}.${startedAt}.${seat}`)),
      ),
    );
  }
  return { ...total, startedAt, endedAt: Date.now() };

  /** Claims and completes until nothing is left. */
  async function work(client: Client, daemon: DaemonSeat, name: string): Promise<void> {
    const perCall = job.kind === 'tasks' ? job.perCall : 1;
    for (let round = 0; ; round += 1) {
      const { claims } = await post<Claims>(
        client,
        daemon,
        `/api/v1/orchestrators/${daemon.orchestratorId}/claim`,
        { daemonId: daemon.daemonId, requestId: `${name}.${round}`, max: perCall },
      );
      if (claims.length === 0) return;
      if (perCall === 1) {
        for (const { task, attempt } of claims)
          await post(client, daemon, `/api/v1/tasks/${task.id}/complete`, {
            status: 'completed',
            attemptId: attempt.id,
          });
      } else {
        const completions = claims.map(({ task, attempt }) => ({
          taskId: task.id,
          status: 'completed',
          attemptId: attempt.id,
        }));
        const { results } = await post<Results>(client, daemon, '/api/v1/tasks/complete', { completions });
        if (results.some(({ settlement }) => settlement === null))
          throw new Error('A completion was refused');
      }
      total.tasks += claims.length;
    }
  }

  async function post<Answer>(
    client: Client,
    daemon: DaemonSeat,
    path: string,
    value: object,
  ): Promise<Answer> {
    const { statusCode, body } = await client.request({
      method: 'POST',
      path,
      headers: { authorization: `Bearer ${daemon.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(value),
    });
    total.requests += 1;
    if (statusCode !== 200) throw new Error(`${path} answered ${statusCode}: ${await body.text()}`);
    return (await body.json()) as Answer;
  }
});

async function withClient(url: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client(url, { pipelining: 1 });
  try {
    await work(client);
  } finally {
    await client.close();
  }
}
