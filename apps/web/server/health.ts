import { NeolithError } from '@neolith/contracts';
import { isBootstrapped } from './bootstrap/bootstrap';
import { getRuntime } from './engine';
import { shutdownSignal } from './shutdown';
import { VERSION } from './version';
import { within } from './within';

/** Probes give an answer a second or two; a connection that is gone would show after fifteen. */
const PROBE_MS = 2_000;

/** @throws whatever keeps the database from answering */
export async function checkHealth(): Promise<{ status: 'ok'; version: string; database: 'ok' }> {
  await ping();
  return { status: 'ok', version: VERSION, database: 'ok' };
}

let asking: Promise<void> | null = null;

/**
 * Who asks while it is being asked waits for the same answer: probes never take more than one connection. Not by the pool
 * of all calls: a server that has much to do is not a sick one, and must not be ended for it.
 */
function ping(): Promise<void> {
  asking ??= getRuntime()
    .then(({ database }) => database.vitalPool.query({ name: 'neolith_web_ping', text: 'SELECT 1' }))
    .then(() => undefined)
    .finally(() => {
      asking = null;
    });
  return asking;
}

/**
 * Whether calls can be served now: the database answers, the first start's work is done (there is a workspace and a
 * token to come in with), and the process is not ending. Answers within two seconds, whatever hangs; `details.reason`
 * says what is missing: `ending`, `slow`, `database`, `first_start`.
 */
export async function checkReadiness(): Promise<{ status: 'ok' }> {
  if (shutdownSignal().aborted) throw notReady('ending', 'The server is ending; ask another one.');
  try {
    await within(PROBE_MS, ping());
  } catch (cause) {
    if (cause instanceof NeolithError && cause.details.reason === 'slow') throw cause;
    throw notReady(
      'database',
      'The database does not answer; is it up, and does DATABASE_URL lead to it?',
      cause,
    );
  }
  if (!isBootstrapped()) {
    throw notReady(
      'first_start',
      'The server is still preparing its first start; its log says how far it is.',
    );
  }
  return { status: 'ok' };
}

function notReady(reason: string, message: string, cause?: unknown): NeolithError {
  return new NeolithError('DATABASE_UNAVAILABLE', message, {
    details: { reason },
    ...(cause === undefined ? {} : { cause }),
  });
}
