import { type Endpoint, type EndpointOutput, type HandlerInput, NeolithError } from '@neolith/contracts';
import type { Database } from '@neolith/database';
import type { WorkEngine } from '@neolith/work-engine';
import { z } from 'zod';
import { authenticate, credentialOf, type Principal, requireScope } from '../auth/authenticate';
import { getRuntime } from '../engine';
import { checkHost } from './checkHost';
import { checkOrigin } from './checkOrigin';
import { checkContentType, readJson } from './readBody';
import { errorResponse, jsonResponse } from './respond';
import { queryFields, validate } from './validate';

const DEFAULT_MAX_BODY_BYTES = 1_048_576;
const NOTHING = z.strictObject({});

/** What a handler is given: everything is checked, and the engine is the caller's own. */
export interface Call<E extends Endpoint> {
  engine: WorkEngine;
  principal: Principal;
  database: Database;
  input: HandlerInput<E>;
  request: Request;
}

/** Of an endpoint that is open to everybody there is no principal, and so no engine. */
export type OpenCall<E extends Endpoint> = Pick<Call<E>, 'input' | 'request'>;

export type Answer<E extends Endpoint> = E extends { stream: true } ? Response : EndpointOutput<E>;

type Work<E extends Endpoint> = E extends { scope: null }
  ? (call: OpenCall<E>) => Promise<Answer<E>>
  : (call: Call<E>) => Promise<Answer<E>>;

export interface RouteContext {
  /** Nothing where the path has no parameters. */
  params: Promise<Record<string, string | string[] | undefined> | undefined>;
}

export interface Handler {
  readonly endpoint: Endpoint;
  respond(request: Request, context: RouteContext): Promise<Response>;
}

/** The checks that need nothing but the request's head; they come before anything is read. */
export function checkHead(request: Request): void {
  checkHost(request.headers);
  checkOrigin(request);
}

async function readInput(
  endpoint: Endpoint,
  request: Request,
  context: RouteContext,
): Promise<HandlerInput<Endpoint>> {
  const params: Record<string, string> = {};
  for (const [name, value] of Object.entries((await context.params) ?? {})) {
    if (typeof value !== 'string' || value.length > 200 || value.includes('\0')) {
      throw new NeolithError('INVALID_INPUT', `params.${name}: is no id`, {
        details: { errors: [{ path: `params.${name}`, message: 'is no id' }] },
      });
    }
    params[name] = value;
  }
  const fields = queryFields(new URL(request.url).searchParams);
  const query = validate(endpoint.query ?? NOTHING, fields, 'query');
  if (endpoint.method === 'GET' || endpoint.method === 'DELETE') {
    return { params, query, body: undefined } as HandlerInput<Endpoint>;
  }
  const json = await readJson(request, endpoint.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES);
  const body = endpoint.body === undefined ? validate(NOTHING, json ?? {}) : validate(endpoint.body, json);
  return { params, query, body } as HandlerInput<Endpoint>;
}

function answerOf(endpoint: Endpoint, value: unknown): Response {
  if (value instanceof Response) return value;
  if (endpoint.response === undefined || (endpoint.mayBeEmpty === true && value === null)) {
    return new Response(null, { status: 204, headers: { 'cache-control': 'no-store' } });
  }
  return jsonResponse(endpoint.status, value);
}

async function perform(
  endpoint: Endpoint,
  work: (call: Call<Endpoint>) => Promise<unknown>,
  request: Request,
  context: RouteContext,
): Promise<Response> {
  checkHead(request);
  if (endpoint.method === 'POST' || endpoint.method === 'PATCH') {
    checkContentType(request.headers, { bodyExpected: endpoint.body !== undefined });
  }
  if (endpoint.scope === null) {
    const input = await readInput(endpoint, request, context);
    return answerOf(endpoint, await work({ input, request } as Call<Endpoint>));
  }
  const credential = credentialOf(request.headers);
  const { database, engine: whole } = await getRuntime();
  const principal = await authenticate(database, credential);
  requireScope(principal, endpoint.scope);
  const input = await readInput(endpoint, request, context);
  const engine = whole.as({ workspaceId: principal.workspaceId, actor: principal.actor });
  return answerOf(endpoint, await work({ engine, principal, database, input, request }));
}

/**
 * Makes a handler of an endpoint and what is to be done. Every route goes through here, so that what a call must
 * pass stands in one place and in one order: Host, Origin, content type, token, scope, size, JSON, schema. Nothing of
 * a refused call's body is read before its caller is known.
 */
export function handle<const E extends Endpoint>(endpoint: E, work: Work<E>): Handler {
  return {
    endpoint,
    async respond(request, context) {
      try {
        const response = await perform(
          endpoint,
          work as (call: Call<Endpoint>) => Promise<unknown>,
          request,
          context,
        );
        // A HEAD is a GET without its body, and nobody would read the stream that was opened for one.
        if (request.method !== 'HEAD' || response.body === null) return response;
        await response.body.cancel();
        return new Response(null, response);
      } catch (error) {
        return errorResponse(error, request);
      }
    },
  };
}
