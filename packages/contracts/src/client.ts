import { z } from 'zod';
import {
  type Endpoint,
  type EndpointName,
  type EndpointOutput,
  endpoints,
  type PathParameters,
} from './endpoints/index.js';
import { NeolithError } from './errors/neolithError.js';
import { problemSchema } from './errors/problem.js';
import { repeat } from './repeatCall.js';

export interface ClientOptions {
  /** Where the server is, without `/api/v1`: `http://127.0.0.1:3000`. */
  baseUrl: string;
  token: string;
  /** A call without an answer after this many milliseconds fails. Default 15,000; long polls add their own wait. */
  timeoutMs?: number;
  /**
   * How often a call is made again where no answer came, or one that says "later" (503, 429, a key in use). Default 0: the
   * caller judges. GETs are repeated, and POSTs: those that are idempotent by nature as they are, every other with an
   * `Idempotency-Key`, the same each time, so that it has its effect once. Nothing else is.
   */
  repeats?: number;
  fetch?: typeof fetch;
}

type Written<Schema> = Schema extends z.ZodType ? z.input<Schema> : never;

type Field<Name extends string, Value> = [Value] extends [never]
  ? unknown
  : Record<never, never> extends Value
    ? { [K in Name]?: Value }
    : { [K in Name]: Value };

/** What a call of an endpoint is given. Bodies are in their JSON form: dates are ISO text. */
export type CallInput<E extends Endpoint> = (Record<never, never> extends PathParameters<E>
  ? unknown
  : { params: PathParameters<E> }) &
  Field<'query', Written<E['query']>> &
  Field<'body', Written<E['body']>> & {
    signal?: AbortSignal;
    timeoutMs?: number;
    /** Which trace the call belongs to, as the header of that name has it. */
    traceparent?: string;
  } & (E['method'] extends 'POST'
    ? {
        /** Names this call, so that it has its effect once however often it is made: 1 to 255 visible ASCII characters. */
        idempotencyKey?: string;
      }
    : unknown);

type Call<E extends Endpoint> =
  Record<never, never> extends CallInput<E>
    ? (input?: CallInput<E>) => Promise<EndpointOutput<E>>
    : (input: CallInput<E>) => Promise<EndpointOutput<E>>;

type StreamName = {
  [Name in EndpointName]: (typeof endpoints)[Name] extends { stream: true } ? Name : never;
}[EndpointName];

/** The typed client: one method an endpoint. It answers decoded values and throws NeolithError. */
export type NeolithClient = {
  [Name in Exclude<EndpointName, StreamName>]: Call<(typeof endpoints)[Name]>;
} & {
  /** Opens a stream; the caller reads `body`. */
  open<Name extends StreamName>(
    name: Name,
    input: CallInput<(typeof endpoints)[Name]> & { lastEventId?: string },
  ): Promise<Response>;
};

interface AnyInput {
  params?: Record<string, string>;
  query?: Record<string, unknown>;
  body?: unknown;
  signal?: AbortSignal;
  timeoutMs?: number;
  traceparent?: string;
  lastEventId?: string;
  idempotencyKey?: string;
}

function urlOf(baseUrl: string, endpoint: Endpoint, input: AnyInput): string {
  const path = endpoint.path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(input.params?.[name] ?? ''),
  );
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(input.query ?? {})) {
    if (value === undefined || value === null) continue;
    query.set(name, Array.isArray(value) ? value.join(',') : String(value));
  }
  const search = query.toString();
  return `${baseUrl.replace(/\/+$/, '')}/api/v1${path}${search === '' ? '' : `?${search}`}`;
}

/** How long the server was asked to wait before it answers. */
function waitMsOf({ body, query }: AnyInput): number {
  for (const asked of [body, query]) {
    if (typeof asked !== 'object' || asked === null || !('waitSeconds' in asked)) continue;
    const seconds = Number(asked.waitSeconds);
    if (seconds > 0) return seconds * 1_000;
  }
  return 0;
}

/** What an answer without problem details means: a proxy before the server, or no server of ours at all. */
function codeOfStatus(status: number): 'RATE_LIMITED' | 'SERVER_UNREACHABLE' | 'INVALID_INPUT' {
  if (status === 429) return 'RATE_LIMITED';
  return status >= 500 ? 'SERVER_UNREACHABLE' : 'INVALID_INPUT';
}

async function errorOf(response: Response, url: string): Promise<NeolithError> {
  const body = await response.text().catch(() => '');
  const retryAfterSeconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  const retryAfter = retryAfterSeconds > 0 ? { retryAfterSeconds } : {};
  try {
    const problem = problemSchema.parse(JSON.parse(body));
    const details = {
      ...problem.details,
      ...retryAfter,
      ...(problem.errors === undefined ? {} : { errors: problem.errors }),
    };
    return new NeolithError(problem.code, problem.detail, { details });
  } catch (cause) {
    return new NeolithError(
      codeOfStatus(response.status),
      `${url} answered ${response.status} and no problem details; is it a Neolith server?`,
      { details: retryAfter, cause },
    );
  }
}

export function createClient(options: ClientOptions): NeolithClient {
  const doFetch = options.fetch ?? fetch;

  async function send(endpoint: Endpoint, input: AnyInput): Promise<Response> {
    const url = urlOf(options.baseUrl, endpoint, input);
    const limitMs = (input.timeoutMs ?? options.timeoutMs ?? 15_000) + waitMsOf(input);
    const timeout = endpoint.stream === true ? null : AbortSignal.timeout(Math.ceil(limitMs));
    const signals = [timeout, input.signal].filter((signal) => signal !== null && signal !== undefined);
    let response: Response;
    try {
      response = await doFetch(url, {
        method: endpoint.method,
        headers: {
          authorization: `Bearer ${options.token}`,
          accept: endpoint.stream === true ? 'text/event-stream' : 'application/json',
          ...(endpoint.method === 'GET' ? {} : { 'content-type': 'application/json' }),
          ...(input.traceparent === undefined ? {} : { traceparent: input.traceparent }),
          ...(input.lastEventId === undefined ? {} : { 'last-event-id': input.lastEventId }),
          ...(input.idempotencyKey === undefined ? {} : { 'idempotency-key': input.idempotencyKey }),
        },
        ...(endpoint.method === 'GET' || endpoint.method === 'DELETE'
          ? {}
          : { body: JSON.stringify(input.body ?? {}) }),
        signal: AbortSignal.any(signals),
      });
    } catch (cause) {
      if (input.signal?.aborted === true) throw cause;
      throw new NeolithError('SERVER_UNREACHABLE', `No answer from ${url}; is the server running there?`, {
        cause,
      });
    }
    if (!response.ok) throw await errorOf(response, url);
    return response;
  }

  async function ask(endpoint: Endpoint, input: AnyInput): Promise<unknown> {
    const response = await send(endpoint, input);
    if (response.status === 204 || endpoint.response === undefined) return null;
    let body: unknown;
    try {
      body = await response.json();
    } catch (cause) {
      if (input.signal?.aborted === true) throw cause;
      throw new NeolithError(
        'SERVER_UNREACHABLE',
        `The answer of ${endpoint.method} ${endpoint.path} broke off`,
        { cause },
      );
    }
    return z.parse(endpoint.response, body);
  }

  const client: Record<string, unknown> = {
    open: (name: EndpointName, input: AnyInput) => send(endpoints[name], input),
  };
  for (const [name, endpoint] of Object.entries<Endpoint>(endpoints)) {
    if (endpoint.stream === true) continue;
    client[name] = (input: AnyInput = {}) =>
      repeat(endpoint, input, (own) => ask(endpoint, own), options.repeats ?? 0);
  }
  return client as NeolithClient;
}
