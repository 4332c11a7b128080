import type { AcquireResult, endpoints } from '@neolith/contracts';
import type { Call } from './http/handle';
import { untilShutdown } from './shutdown';

/** Asks for resources, waiting for them if asked to; the wait ends with the caller, or with this process. */
export async function waitForResources({
  engine,
  input,
  request,
}: Call<typeof endpoints.acquireResources>): Promise<AcquireResult> {
  const waiting = untilShutdown(request.signal);
  try {
    return await engine.acquireResources(input.params.id, input.body, { signal: waiting.signal });
  } finally {
    waiting.release();
  }
}
