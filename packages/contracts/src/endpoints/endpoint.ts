import type { z } from 'zod';
import type { ErrorCode } from '../errors/codes.js';
import type { TokenScope } from '../schemas/vocabulary.js';

/**
 * One row of the table from which the handlers, the typed client, the OpenAPI document and the reference page come.
 * Paths are below `/api/v1`; `{name}` in a path is a text parameter.
 */
export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly group: string;
  readonly summary: string;
  /** Null: open to everybody. */
  readonly scope: TokenScope | null;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** Absent: no content (204) or, with `stream`, server-sent events. */
  readonly response?: z.ZodType;
  readonly status: 200 | 201 | 204;
  /** A larger body is refused before it is parsed. Default 1,048,576. */
  readonly maxBodyBytes?: number;
  /** Besides those that every endpoint may answer with. */
  readonly errors: readonly ErrorCode[];
  /** May answer 204 instead, where there is nothing. */
  readonly mayBeEmpty?: true;
  readonly stream?: true;
  /**
   * Of a POST: made twice it has its effect once, without a key, because what it names says which call it is (a
   * `requestId`, a sequence number) or it only says again what holds already. The client repeats it without a key.
   */
  readonly repeatable?: true;
  /** The answer holds a secret: it is only ever stored encrypted. */
  readonly secretAnswer?: true;
  /** What keeps work alive: never refused for its caller's other calls, and never kept waiting by any. */
  readonly vital?: true;
}

export function defineEndpoint<const E extends Endpoint>(endpoint: E): E {
  return endpoint;
}

type PathParameterNames<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | PathParameterNames<Rest>
  : never;

export type PathParameters<E extends Endpoint> = { [Name in PathParameterNames<E['path']>]: string };

/** What a handler is given, checked and decoded. */
export type HandlerInput<E extends Endpoint> = {
  params: PathParameters<E>;
  query: E['query'] extends z.ZodType ? z.output<E['query']> : undefined;
  body: E['body'] extends z.ZodType ? z.output<E['body']> : undefined;
};

/** What an endpoint answers, decoded: dates are `Date`s. */
export type EndpointOutput<E extends Endpoint> = E['response'] extends z.ZodType
  ? E['mayBeEmpty'] extends true
    ? z.output<E['response']> | null
    : z.output<E['response']>
  : null;
