import type { endpoints, MergeTurn } from '@neolith/contracts';
import type { Call } from './http/handle';
import { untilShutdown } from './shutdown';

/** Asks for the merge slot, waiting for it if asked to; the wait ends with the caller, or with this process. */
export async function waitForMergeSlot({
  engine,
  input,
  request,
}: Call<typeof endpoints.requestMerge>): Promise<MergeTurn> {
  const waiting = untilShutdown(request.signal);
  try {
    return await engine.requestMerge(input.params.id, { ...input.body, signal: waiting.signal });
  } finally {
    waiting.release();
  }
}
