import { randomUUID } from 'node:crypto';
import { ERROR_STATUS, isNeolithError, NeolithError, type Problem, toProblem } from '@neolith/contracts';
import { log } from '../log';
import { type ApiRequest, pathOf } from './apiRequest';
import { isDatabaseTrouble } from './databaseTrouble';

/** Answers belong to one caller and one moment; and callers are on this machine or near, where packing costs more than bytes. */
const CACHE_CONTROL = 'no-store, no-transform';

/** An answer that is not on the line yet. */
export interface Reply {
  status: number;
  headers: Record<string, string>;
  /** Null: no content. */
  text: string | null;
}

export function toResponse({ status, headers, text }: Reply): Response {
  return new Response(text, { status, headers });
}

export function jsonReply(status: number, value: unknown, headers: Record<string, string> = {}): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': CACHE_CONTROL, ...headers },
    text: JSON.stringify(value),
  };
}

/** A reply made again of what was stored of one: its status, and the text of its body. */
export function storedReply(status: number, text: string | null, headers: Record<string, string>): Reply {
  if (text === null) return { status, headers: { 'cache-control': 'no-store', ...headers }, text };
  const type = status >= 400 ? 'application/problem+json' : 'application/json';
  return { status, headers: { 'content-type': type, 'cache-control': CACHE_CONTROL, ...headers }, text };
}

export function emptyReply(): Reply {
  return { status: 204, headers: { 'cache-control': 'no-store' }, text: null };
}

export function jsonResponse(status: number, value: unknown, headers: Record<string, string> = {}): Response {
  return toResponse(jsonReply(status, value, headers));
}

/** Of what may well go through in a moment. */
const SHORTLY = new Set(['DATABASE_UNAVAILABLE', 'OVERLOADED', 'IDEMPOTENCY_KEY_IN_USE', 'RATE_LIMITED']);

function headersOf({ code, details }: Problem): Record<string, string> {
  if (code === 'UNAUTHENTICATED') return { 'www-authenticate': 'Bearer' };
  if (!SHORTLY.has(code)) return {};
  const { retryAfterSeconds } = details ?? {};
  return { 'retry-after': typeof retryAfterSeconds === 'number' ? String(retryAfterSeconds) : '1' };
}

export function problemReply(problem: Problem, headers: Record<string, string> = {}): Reply {
  return jsonReply(problem.status, problem, {
    'content-type': 'application/problem+json',
    ...headersOf(problem),
    ...headers,
  });
}

/** What a caller may know of an error: ours as it is, the database's absence as 503, of any other only its number. */
function known(error: unknown, requestId: string): NeolithError {
  // Errors with a code of another version of ours have no status here: they count as unknown.
  if (isNeolithError(error) && Object.hasOwn(ERROR_STATUS, error.code)) return error;
  if (isDatabaseTrouble(error)) {
    return new NeolithError('DATABASE_UNAVAILABLE', 'The database does not answer; try again in a moment.', {
      cause: error,
    });
  }
  return new NeolithError('INTERNAL', `Something went wrong here; the log has it as ${requestId}.`, {
    details: { requestId },
    cause: error,
  });
}

/** What a caller is told of whatever was thrown; what is not the caller's doing is logged, under a number. */
export function tellError(
  error: unknown,
  request: Pick<ApiRequest, 'method' | 'url'>,
): { problem: Problem; requestId: string } {
  const requestId = randomUUID();
  const told = known(error, requestId);
  if (told.status >= 500) {
    // Without the query: it may hold what should not be in a log.
    const where = { requestId, code: told.code, method: request.method, path: pathOf(request) };
    if (told.code === 'INTERNAL') log.error({ ...where, err: told.cause }, 'A call failed');
    else if (told.cause !== undefined)
      log.warn({ ...where, reason: String(told.cause) }, 'The database does not answer');
  }
  return { problem: toProblem(told), requestId };
}

/** Turns whatever was thrown into problem details. */
export function errorReply(error: unknown, request: Pick<ApiRequest, 'method' | 'url'>): Reply {
  const { problem, requestId } = tellError(error, request);
  return problemReply(problem, { 'x-request-id': requestId });
}

export function errorResponse(error: unknown, request: Pick<ApiRequest, 'method' | 'url'>): Response {
  return toResponse(errorReply(error, request));
}
