import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { CountedFaults } from './countedFaults.js';
import type { Answered, HttpJournal } from './httpJournal.js';
import { type Random, whole } from './seededRandom.js';

/** What befalls calls on their way between daemons and servers. */
export const NETWORK_FAULTS = [
  'request_lost',
  'answer_cut',
  'answer_silent',
  'call_delayed',
  'request_twice',
  'stream_cut',
] as const;
export type NetworkFault = (typeof NETWORK_FAULTS)[number];

export interface HttpProxyOptions {
  /** Ports of the servers behind it, alive or not. */
  readonly servers: readonly number[];
  readonly random: Random;
  readonly journal: HttpJournal;
  readonly faults: CountedFaults;
}

/** A load balancer that ruins calls, and writes down what the servers answered. */
export interface HttpProxy {
  readonly url: string;
  /** How many of 100 calls have a fault. 0 at first. */
  faultsPerHundred: number;
  close(): Promise<void>;
}

/** Of those calls that have one: how often each. */
const SHARES: readonly (readonly [NetworkFault, number])[] = [
  ['request_lost', 15],
  ['answer_cut', 25],
  ['answer_silent', 10],
  ['call_delayed', 25],
  ['request_twice', 25],
];
const DELAY_MS_MAX = 1_500;
/** Streams live long: when they are cut there must be something to cut. */
const STREAM_CUT_MS: readonly [number, number] = [500, 12_000];

interface Forwarded extends Answered {
  readonly headers: IncomingMessage['headers'];
  readonly raw: Buffer;
}

export async function startHttpProxy(options: HttpProxyOptions): Promise<HttpProxy> {
  const { servers, random, journal, faults } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: 200 });
  let turn = 0;

  const server = createServer({ keepAliveTimeout: 60_000 }, (call, answer) => {
    call.on('error', () => undefined);
    answer.on('error', () => undefined);
    serve(call, answer).catch(() => call.socket.resetAndDestroy());
  });
  // A long poll takes longer than the default; and silence is our business.
  server.requestTimeout = 0;
  server.on('clientError', (_error, socket) => socket.destroy());

  function drawFault(isStream: boolean): NetworkFault | null {
    if (random() * 100 >= proxy.faultsPerHundred) return null;
    if (isStream) return 'stream_cut';
    let place = random() * SHARES.reduce((sum, [, share]) => sum + share, 0);
    for (const [fault, share] of SHARES) {
      place -= share;
      if (place < 0) return fault;
    }
    return null;
  }

  async function serve(call: IncomingMessage, answer: ServerResponse): Promise<void> {
    const body = await text(call);
    const isStream = call.headers.accept === 'text/event-stream';
    const fault = drawFault(isStream);
    if (fault !== null) faults.count(fault);
    if (isStream) return stream(call, answer, fault);
    if (fault === 'request_lost') {
      call.socket.resetAndDestroy();
      return;
    }
    // Who went away doesn't wait for an answer any more, and a proxy would tell the server so.
    const gone = new AbortController();
    answer.once('close', () => gone.abort());
    const lateMs = whole(random, 50, DELAY_MS_MAX);
    const isLateBefore = random() < 0.5;
    if (fault === 'call_delayed' && isLateBefore) await delay(lateMs);
    // Half of the silences swallow the request itself.
    if (fault === 'answer_silent' && random() < 0.5) return;
    const isTwinAtOnce = random() < 0.5;
    const first = forward(call, body, turn++, gone.signal);
    const given = await (fault === 'request_twice'
      ? sendTwice(call, body, first, isTwinAtOnce, gone.signal)
      : first);
    if (fault === 'answer_silent') return;
    if (fault === 'call_delayed' && !isLateBefore) await delay(lateMs);
    if (answer.destroyed) return;
    const { 'transfer-encoding': _chunked, connection: _connection, ...headers } = given.headers;
    answer.writeHead(given.status, { ...headers, 'content-length': given.raw.length });
    if (fault === 'answer_cut') {
      answer.flushHeaders();
      answer.write(given.raw.subarray(0, Math.floor(random() * given.raw.length)));
      // What was written goes out before the reset.
      setImmediate(() => call.socket.resetAndDestroy());
      return;
    }
    answer.end(given.raw);
  }

  /** The same request to both servers: at once, or one after the other. Answers what came last, if it can. */
  async function sendTwice(
    call: IncomingMessage,
    body: string,
    first: Promise<Forwarded>,
    isAtOnce: boolean,
    signal: AbortSignal,
  ): Promise<Forwarded> {
    if (!isAtOnce) await first.catch(() => undefined);
    const both = await Promise.allSettled([first, forward(call, body, turn++, signal)]);
    const [one, other] = both.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    if (one === undefined) throw new Error('Neither was answered');
    if (other === undefined) return one;
    journal.compare(one, other);
    // The twin of a call under way is told to come later: then the first has the answer.
    return other.status < 400 || one.status >= 400 ? other : one;
  }

  /** To a server in its turn; to the next one where nobody listens, as balancers do. */
  async function forward(
    call: IncomingMessage,
    body: string,
    first: number,
    signal: AbortSignal,
  ): Promise<Forwarded> {
    let refused: unknown;
    for (let tries = 0; tries < servers.length; tries += 1) {
      try {
        const answered = await send(call, body, servers[(first + tries) % servers.length] as number, signal);
        journal.note(answered);
        return answered;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error;
        refused = error;
      }
    }
    throw refused;
  }

  function send(call: IncomingMessage, body: string, port: number, signal: AbortSignal): Promise<Forwarded> {
    return new Promise((resolve, reject) => {
      const { 'content-length': _length, 'transfer-encoding': _chunked, ...headers } = call.headers;
      const sent = request({
        agent,
        host: '127.0.0.1',
        port,
        method: call.method,
        path: call.url,
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
        signal,
      });
      sent.once('error', reject);
      sent.once('response', (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.once('error', reject);
        response.once('end', () => {
          const raw = Buffer.concat(parts);
          resolve({
            method: call.method ?? '',
            path: (call.url ?? '').split('?')[0] as string,
            status: response.statusCode ?? 0,
            retryAfter: response.headers['retry-after'],
            request: body,
            body: raw.toString(),
            headers: response.headers,
            raw,
          });
        });
      });
      sent.end(body);
    });
  }

  async function stream(
    call: IncomingMessage,
    answer: ServerResponse,
    fault: NetworkFault | null,
  ): Promise<void> {
    const port = servers[turn++ % servers.length] as number;
    const sent = request({
      host: '127.0.0.1',
      port,
      method: call.method,
      path: call.url,
      headers: call.headers,
    });
    answer.once('close', () => sent.destroy());
    sent.once('error', () => call.socket.resetAndDestroy());
    sent.once('response', (response) => {
      answer.writeHead(response.statusCode ?? 0, response.headers);
      response.pipe(answer);
      response.once('error', () => call.socket.resetAndDestroy());
    });
    sent.end();
    if (fault === null) return;
    const timer = setTimeout(() => call.socket.resetAndDestroy(), whole(random, ...STREAM_CUT_MS));
    answer.once('close', () => clearTimeout(timer));
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: HttpProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    faultsPerHundred: 0,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      agent.destroy();
      await closed;
    },
  };
  return proxy;
}
