import { chmod } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { ASK_ERROR_STATUS, AskError } from './askError.js';
import { type AskingDependencies, askServer } from './askServer.js';
import { type Asked, askSchema } from './protocol.js';

export interface ServedAttempt {
  /** Answers nothing more; who waits leaves the line, also where the attempt lives on to be merged. */
  close(): Promise<void>;
}

export interface ServeOptions extends AskingDependencies {
  readonly socketPath: string;
  /** The attempt gave way in a deadlock: its agent was told so, and has to end. */
  readonly onGaveWay: (message: string) => void;
  /** The attempt owns nothing any more. */
  readonly onLost: () => void;
}

const BODY_BYTES_MAX = 64 * 1024;

/**
 * Answers the agent of one attempt on a socket: `POST /resources`, JSON, see `askSchema`. Whoever can open the socket speaks for
 * the attempt, and for it alone; nothing of the daemon's token goes through it. One request after another: an attempt has one
 * place in the line. Rejects where the socket can't be made.
 */
export async function serveAttempt(options: ServeOptions): Promise<ServedAttempt> {
  const ending = new AbortController();
  let last: Promise<unknown> = Promise.resolve();
  const server = createServer((request, response) => {
    const gone = new AbortController();
    response.once('close', () => gone.abort(new Error('The agent waits no more.')));
    void answer(request, gone.signal).then(
      (asked) => send(response, 200, asked),
      (error: unknown) => refuse(response, error),
    );
  });

  async function answer(request: IncomingMessage, gone: AbortSignal): Promise<Asked> {
    if (request.url !== '/resources' || request.method !== 'POST')
      throw new AskError('NOT_FOUND', 'There is only POST /resources.');
    const ask = readAsk(await readBody(request));
    const turn = last.then(() => askServer(options, ask, AbortSignal.any([gone, ending.signal])));
    last = turn.catch(() => undefined);
    const asked = await turn;
    if (!asked.granted && ending.signal.aborted)
      throw new AskError('LEASE_LOST', 'The attempt is over; end its work');
    return asked;
  }

  function refuse(response: ServerResponse, error: unknown): void {
    const { code, message } =
      error instanceof AskError ? error : new AskError('UNAVAILABLE', `It failed: ${String(error)}`);
    const after =
      code === 'RESOURCE_DEADLOCK'
        ? () => options.onGaveWay(message)
        : code === 'LEASE_LOST' && !ending.signal.aborted
          ? options.onLost
          : () => undefined;
    // Told first: what is ended at once hears nothing.
    response.once('close', after);
    send(response, ASK_ERROR_STATUS[code], { error: { code, message } });
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.socketPath, resolve);
  });
  server.on('error', () => undefined);
  await chmod(options.socketPath, 0o600);
  return {
    close() {
      ending.abort(new Error('The attempt is over.'));
      return new Promise((resolve) => {
        server.close(() => resolve());
        // Those who wait are told first.
        void last.then(() => setImmediate(() => server.closeAllConnections()));
      });
    },
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new AskError('INVALID_INPUT', 'The request is too long.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function readAsk(body: string): z.output<typeof askSchema> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (cause) {
    throw new AskError('INVALID_INPUT', `The request is no JSON: ${(cause as Error).message}`, { cause });
  }
  const parsed = askSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new AskError('INVALID_INPUT', z.prettifyError(parsed.error));
}

function send(response: ServerResponse, status: number, body: object): void {
  // One answer a connection, so that its end tells that it was read.
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(`${JSON.stringify(body)}\n`);
}
