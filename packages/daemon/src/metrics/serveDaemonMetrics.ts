import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DaemonLook } from '../worker/createDaemon.js';
import { METRICS_CONTENT_TYPE, renderDaemonMetrics } from './renderDaemonMetrics.js';

export interface DaemonMetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;
/** Nobody has more to say to it than a line. */
const HEADERS_MS = 5_000;

/**
 * Answers `/metrics` and `/livez` on the loopback address of this machine, and nothing else to nobody else: it has no
 * token, so what it tells must be fit for everybody on the machine. Port 0: any free one. Rejects where the port is taken.
 */
export async function serveDaemonMetrics(port: number, look: () => DaemonLook): Promise<DaemonMetricsServer> {
  const server = createServer(
    { headersTimeout: HEADERS_MS, requestTimeout: HEADERS_MS },
    (request, response) => {
      // The name of a hostile page may lead here; it would say that name.
      if (!LOOPBACK.test(request.headers.host ?? ''))
        return answer(response, 403, 'This is for this machine only.\n');
      if (request.method !== 'GET') return answer(response, 405, 'Only GET is answered here.\n');
      if (request.url === '/livez') return answer(response, 200, 'ok\n');
      if (request.url !== '/metrics') return answer(response, 404, 'There is /metrics, and /livez.\n');
      renderDaemonMetrics(look()).then(
        (text) => answer(response, 200, text, METRICS_CONTENT_TYPE),
        (error: unknown) =>
          answer(response, 500, `${error instanceof Error ? error.message : 'It failed.'}\n`),
      );
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  // A daemon that has nothing else to do may end.
  server.unref();
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(
  response: ServerResponse,
  status: number,
  text: string,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, {
    'content-type': type,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(text);
}
