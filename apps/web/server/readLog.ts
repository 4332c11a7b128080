import type { endpoints, LogPage } from '@neolith/contracts';
import type { Call } from './http/handle';
import { untilShutdown } from './shutdown';

/** A page of an attempt's log, waiting for it if asked to; the wait ends with the caller, or with this process. */
export async function readLog({
  engine,
  input,
  request,
}: Call<typeof endpoints.readAttemptLog>): Promise<LogPage> {
  const waiting = untilShutdown(request.signal);
  try {
    return await engine.readAttemptLog(input.params.id, { ...input.query, signal: waiting.signal });
  } finally {
    waiting.release();
  }
}
