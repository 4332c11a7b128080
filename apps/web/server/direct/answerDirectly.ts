import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { TAKEN_OVER } from '../http/handle';
import { errorReply, type Reply } from '../http/respond';
import { SECURITY_HEADERS } from '../http/securityHeaders';
import { matchDirect } from './matchDirect';
import { NodeRequest } from './nodeRequest';

const STARTED = 'http.server.request.start';

/**
 * From the first request on, answers the calls of `directHandlers` before Next's router sees them. Node tells of each
 * request that begins, with its server, before any listener: so Next's server is found without a server of our own.
 */
export function answerDirectly(): void {
  const onStarted = (message: unknown) => {
    const { server } = message as { server: Server };
    const listeners = server.listeners('request') as RequestListener[];
    const [toNext] = listeners;
    // Some other server of this process, then.
    if (toNext === undefined || listeners.length !== 1) return;
    unsubscribe(STARTED, onStarted);
    server.removeAllListeners('request');
    server.on('request', (request, response) => {
      if (!takeCall(request, response)) toNext(request, response);
    });
  };
  subscribe(STARTED, onStarted);
}

/** Whether the call is ours; then it is answered, whatever happens. */
function takeCall(message: IncomingMessage, response: ServerResponse): boolean {
  const match = matchDirect(message.method, message.url);
  if (match === null) return false;
  const request = new NodeRequest(message, response);
  match.handler
    .answer(request, match.params)
    .then((reply) => {
      if (reply === TAKEN_OVER) return;
      if (reply instanceof Response)
        throw new Error(`${match.handler.endpoint.path} answered with a Response`);
      write(reply, response);
    })
    .catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else write(errorReply(error, request), response);
    });
  return true;
}

function write({ status, headers, text }: Reply, response: ServerResponse): void {
  if (response.destroyed) return;
  if (text === null) {
    response.writeHead(status, { ...SECURITY_HEADERS, ...headers }).end();
    return;
  }
  response
    .writeHead(status, {
      ...SECURITY_HEADERS,
      ...headers,
      'content-length': Buffer.byteLength(text),
    })
    .end(text);
}
