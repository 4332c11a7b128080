import { Client } from 'undici';
import { answerJobs } from './loadProcess.js';

export type StreamJob =
  | { kind: 'open'; url: string; token: string; clients: number }
  /** Until each client has so many events; then they hang up. */
  | { kind: 'finish'; events: number; limitMs: number };

export interface StreamAnswer {
  /** Events by their lag in whole milliseconds, over all clients. */
  lags: number[];
  /** Writes that brought them, as they came out of the sockets. */
  chunks: number;
}

const DATA = Buffer.from('\ndata: ');
const AT = Buffer.from('"at":"');
const ID = Buffer.from('id: ');
const ISO_LENGTH = 24;

interface Follower {
  events: number;
  hangUp(): void;
}

let followers: Follower[] = [];
let lags: number[] = [];
let chunks = 0;

answerJobs<StreamJob, StreamAnswer>(async (job) => {
  if (job.kind === 'open') {
    lags = [];
    chunks = 0;
    followers = await Promise.all(Array.from({ length: job.clients }, () => follow(job.url, job.token)));
    return { lags, chunks };
  }
  const deadline = performance.now() + job.limitMs;
  while (followers.some(({ events }) => events < job.events) && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 20));
  const wrong = followers.filter(({ events }) => events !== job.events);
  for (const { hangUp } of followers) hangUp();
  if (wrong.length > 0)
    throw new Error(
      `${wrong.length} of ${followers.length} clients did not get ${job.events} events, but ${wrong[0]?.events}`,
    );
  return { lags, chunks };
});

/** Resolves when the server has said from where on it tells. */
async function follow(url: string, token: string): Promise<Follower> {
  const client = new Client(url);
  const { body, statusCode } = await client.request({
    method: 'GET',
    path: '/api/v1/events',
    headers: { authorization: `Bearer ${token}` },
    bodyTimeout: 0,
  });
  if (statusCode !== 200) throw new Error(`The stream answered ${statusCode}: ${await body.text()}`);
  const follower: Follower = {
    events: 0,
    hangUp: () => {
      body.destroy();
      void client.destroy();
    },
  };
  body.on('error', () => undefined);
  await new Promise<void>((resolve) => {
    let tail = Buffer.alloc(0);
    body.on('data', (chunk: Buffer) => {
      if (chunk.includes(ID)) resolve();
      const seam = Buffer.concat([tail, chunk.subarray(0, DATA.length - 1)]);
      const events = count(chunk, DATA) + (tail.length > 0 && seam.includes(DATA) ? 1 : 0);
      tail = Buffer.from(chunk.subarray(Math.max(0, chunk.length - DATA.length + 1)));
      if (events === 0) return;
      chunks += 1;
      follower.events += events;
      // All of a chunk count as late as its first one, which is the oldest.
      const at = chunk.indexOf(AT);
      if (at === -1 || at + AT.length + ISO_LENGTH > chunk.length) return;
      const time = Date.parse(chunk.toString('latin1', at + AT.length, at + AT.length + ISO_LENGTH));
      add(Math.max(0, Date.now() - time), events);
    });
  });
  return follower;
}

function add(lagMs: number, events: number): void {
  lags[lagMs] = (lags[lagMs] ?? 0) + events;
}

function count(chunk: Buffer, pattern: Buffer): number {
  let found = 0;
  for (let at = chunk.indexOf(pattern); at !== -1; at = chunk.indexOf(pattern, at + pattern.length))
    found += 1;
  return found;
}
