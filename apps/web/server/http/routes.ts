import { NeolithError, toProblem } from '@neolith/contracts';
import { checkHead, type Handler, type RouteContext } from './handle';
import { errorResponse, problemReply, toResponse } from './respond';

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';
type RouteExports = Record<Method, (request: Request, context: RouteContext) => Promise<Response>>;

function refuse(error: NeolithError, headers: Record<string, string> = {}) {
  return async (request: Request) => {
    try {
      checkHead(request);
      return toResponse(problemReply(toProblem(error), headers));
    } catch (refusal) {
      return errorResponse(refusal, request);
    }
  };
}

function everyMethod(respond: (request: Request, context: RouteContext) => Promise<Response>): RouteExports {
  return { GET: respond, POST: respond, PUT: respond, PATCH: respond, DELETE: respond, OPTIONS: respond };
}

/** What a route file exports: its handlers by method, and a 405 that names them for every other method. */
export function routes(...handlers: readonly Handler[]): RouteExports {
  const allow = handlers.flatMap(({ endpoint: { method } }) =>
    method === 'GET' ? ['GET', 'HEAD'] : [method],
  );
  const path = handlers[0]?.endpoint.path ?? '';
  const exports = everyMethod(
    refuse(
      new NeolithError('METHOD_NOT_ALLOWED', `/api/v1${path} takes ${allow.join(', ')}.`, {
        details: { allow },
      }),
      { allow: allow.join(', ') },
    ),
  );
  for (const { endpoint, respond } of handlers) exports[endpoint.method] = respond;
  return exports;
}

/** For every path below `/api/v1` that no endpoint has. */
export function unknownRoute(): RouteExports {
  return everyMethod(
    refuse(
      new NeolithError(
        'ROUTE_NOT_FOUND',
        'There is no such endpoint; GET /api/v1/openapi.json lists them all.',
      ),
    ),
  );
}
