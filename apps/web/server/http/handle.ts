import { type Endpoint, type EndpointOutput, type HandlerInput, NeolithError } from '@neolith/contracts';
import type { Database } from '@neolith/database';
import type { WorkEngine } from '@neolith/work-engine';
import type { Span } from '@opentelemetry/api';
import { z } from 'zod';
import { authenticate, credentialOf, type Principal, requireScope } from '../auth/authenticate';
import { getRuntime } from '../engine';
import { log } from '../log';
import { countCall, nameOf } from '../metrics/countCall';
import { beginCall, endCall } from '../tracing';
import { answerKeyed, readKey } from './answerKeyed';
import { type ApiRequest, pathOf, queryOf } from './apiRequest';
import { spendCall } from './callRate';
import { checkHost } from './checkHost';
import { checkOrigin } from './checkOrigin';
import { checkContentType, readJson } from './readBody';
import { emptyReply, errorReply, jsonReply, type Reply, toResponse } from './respond';
import { queryFields, validate } from './validate';

const DEFAULT_MAX_BODY_BYTES = 1_048_576;
const NOTHING = z.strictObject({});

/** What a handler is given: everything is checked, and the engine is the caller's own. */
export interface Call<E extends Endpoint> {
  engine: WorkEngine;
  principal: Principal;
  database: Database;
  input: HandlerInput<E>;
  request: ApiRequest;
}

/** Of an endpoint that is open to everybody there is no principal, and so no engine. */
export type OpenCall<E extends Endpoint> = Pick<Call<E>, 'input' | 'request'>;

/** Said by a stream that has taken the line over, so that nothing is left to answer. */
export const TAKEN_OVER = Symbol('taken over');

export type Answer<E extends Endpoint> = E extends { stream: true }
  ? Response | typeof TAKEN_OVER
  : EndpointOutput<E>;

type Work<E extends Endpoint> = E extends { scope: null }
  ? (call: OpenCall<E>) => Promise<Answer<E>>
  : (call: Call<E>) => Promise<Answer<E>>;

export interface RouteContext {
  /** Nothing where the path has no parameters. */
  params: Promise<Record<string, string | string[] | undefined> | undefined>;
}

export interface Handler {
  readonly endpoint: Endpoint;
  /** As a route handler of Next. */
  respond(request: Request, context: RouteContext): Promise<Response>;
  /** The same for a request that comes without Next; it never throws. */
  answer(request: ApiRequest, params: PathFields): Promise<Reply | Response | typeof TAKEN_OVER>;
}

type PathFields = Readonly<Record<string, string | string[] | undefined>>;

/** The checks that need nothing but the request's head; they come before anything is read. */
export function checkHead(request: Pick<ApiRequest, 'method' | 'headers'>): void {
  checkHost(request.headers);
  checkOrigin(request);
}

async function readInput(
  endpoint: Endpoint,
  request: ApiRequest,
  path: PathFields,
): Promise<{ input: HandlerInput<Endpoint>; json: unknown }> {
  const params: Record<string, string> = {};
  for (const [name, value] of Object.entries(path)) {
    if (typeof value !== 'string' || value.length > 200 || value.includes('\0')) {
      throw new NeolithError('INVALID_INPUT', `params.${name}: is no id`, {
        details: { errors: [{ path: `params.${name}`, message: 'is no id' }] },
      });
    }
    params[name] = value;
  }
  const fields = queryFields(queryOf(request));
  const query = validate(endpoint.query ?? NOTHING, fields, 'query');
  if (endpoint.method === 'GET' || endpoint.method === 'DELETE') {
    return { input: { params, query, body: undefined } as HandlerInput<Endpoint>, json: undefined };
  }
  const json = await readJson(request, endpoint.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES);
  const body = endpoint.body === undefined ? validate(NOTHING, json ?? {}) : validate(endpoint.body, json);
  return { input: { params, query, body } as HandlerInput<Endpoint>, json };
}

function answerOf(endpoint: Endpoint, value: unknown): Reply | Response | typeof TAKEN_OVER {
  if (value instanceof Response || value === TAKEN_OVER) return value;
  const isEmpty = endpoint.response === undefined || (endpoint.mayBeEmpty === true && value === null);
  return isEmpty ? emptyReply() : jsonReply(endpoint.status, value);
}

/** Far more callers than are busy at once. */
const ENGINES_KEPT = 1_000;
const engines = new WeakMap<WorkEngine, Map<string, WorkEngine>>();

/** Binding every verb anew for each call would cost more than many a call does. */
function engineOf(whole: WorkEngine, { workspaceId, actor }: Principal): WorkEngine {
  const own = engines.get(whole) ?? new Map<string, WorkEngine>();
  engines.set(whole, own);
  const key = `${workspaceId} ${actor}`;
  let engine = own.get(key);
  if (engine === undefined) {
    if (own.size >= ENGINES_KEPT) own.delete(own.keys().next().value as string);
    engine = whole.as({ workspaceId, actor });
    own.set(key, engine);
  }
  return engine;
}

async function perform(
  endpoint: Endpoint,
  work: (call: Call<Endpoint>) => Promise<unknown>,
  request: ApiRequest,
  path: PathFields,
): Promise<Reply | Response | typeof TAKEN_OVER> {
  checkHead(request);
  if (endpoint.method === 'POST' || endpoint.method === 'PATCH') {
    checkContentType(request.headers, { bodyExpected: endpoint.body !== undefined });
  }
  if (endpoint.scope === null) {
    const { input } = await readInput(endpoint, request, path);
    return answerOf(endpoint, await work({ input, request } as Call<Endpoint>));
  }
  const credential = credentialOf(request.headers);
  const key = endpoint.method === 'POST' ? readKey(request.headers) : null;
  const { database, engine: whole } = await getRuntime();
  const principal = await authenticate(database, credential, { vital: endpoint.vital === true });
  if (endpoint.vital !== true) spendCall(principal.tokenId);
  requireScope(principal, endpoint.scope);
  const { input, json } = await readInput(endpoint, request, path);
  const call = { engine: engineOf(whole, principal), principal, database, input, request };
  const answer = async (own: Call<Endpoint>) => answerOf(endpoint, await work(own));
  return key === null
    ? answer(call)
    : answerKeyed({ endpoint, key, json, secret: credential?.text ?? '' }, call, answer);
}

/** One line a call where somebody asked for them (NEOLITH_LOG_LEVEL=debug): daemons make thousands a second. */
function logCall(
  endpoint: Endpoint,
  request: ApiRequest,
  status: number,
  seconds: number,
  span: Span | null,
): void {
  if (!log.isLevelEnabled('debug')) return;
  log.debug(
    {
      endpoint: nameOf(endpoint),
      method: request.method,
      path: pathOf(request),
      status,
      durationMs: Math.round(seconds * 10_000) / 10,
      traceId: span?.spanContext().traceId,
    },
    'Call',
  );
}

/**
 * Makes a handler of an endpoint and what is to be done. Every route goes through here, so that what a call must
 * pass stands in one place and in one order: Host, Origin, content type, token, rate, scope, size, JSON, schema, key. Nothing of
 * a refused call's body is read before its caller is known.
 */
export function handle<const E extends Endpoint>(endpoint: E, work: Work<E>): Handler {
  const answer: Handler['answer'] = async (request, path) => {
    const startedMs = performance.now();
    const span = beginCall(nameOf(endpoint), request.method, request.headers);
    let reply: Reply | Response | typeof TAKEN_OVER;
    try {
      reply = await perform(endpoint, work as (call: Call<Endpoint>) => Promise<unknown>, request, path);
    } catch (error) {
      reply = errorReply(error, request);
    }
    const status = reply === TAKEN_OVER ? 200 : reply.status;
    const seconds = (performance.now() - startedMs) / 1_000;
    countCall(endpoint, status, seconds);
    if (span !== null) endCall(span, status);
    logCall(endpoint, request, status, seconds, span);
    return reply;
  };
  return {
    endpoint,
    answer,
    async respond(request, context) {
      const reply = await answer(request, (await context.params) ?? {});
      if (reply === TAKEN_OVER) throw new Error('A stream took over a line that Next keeps');
      const response = reply instanceof Response ? reply : toResponse(reply);
      // A HEAD is a GET without its body, and nobody would read the stream that was opened for one.
      if (request.method !== 'HEAD' || response.body === null) return response;
      await response.body.cancel();
      return new Response(null, response);
    },
  };
}
