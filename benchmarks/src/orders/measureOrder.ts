import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Response } from '../harness/answerParent.js';
import { nodeOfContestants } from '../harness/nodeOfContestants.js';
import type { OrderMeasured, OrderRequest } from './serveOrder.js';

const SERVE = fileURLToPath(new URL('./serveOrder.js', import.meta.url));
/** Room for the largest of them; what each takes is told. */
const HEAP_MEGABYTES = 14_000;

/** One measurement in a process of its own, which ends with it. */
export async function measureOrder(request: Omit<OrderRequest, 'ask'>): Promise<OrderMeasured> {
  const child = fork(SERVE, [], {
    execPath: nodeOfContestants().path,
    execArgv: [`--max-old-space-size=${HEAP_MEGABYTES}`, '--stack-size=3900', '--expose-gc'],
    serialization: 'advanced',
  });
  const ended = once(child, 'exit');
  const answered = once(child, 'message') as Promise<[Response]>;
  child.send({ ask: 'measure', ...request } satisfies OrderRequest);
  const [response] = await Promise.race([
    answered,
    ended.then(([code, signal]): [Response] => [{ error: `its process ended with ${signal ?? code}` }]),
  ]);
  if (child.connected) child.disconnect();
  await ended;
  if ('error' in response) throw new Error(`${request.orderer}: ${response.error}`);
  return response.answer as OrderMeasured;
}
