import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseError } from '../errors.js';
import { findPostmaster, hastenShutdown, isPostmaster, isShuttingDown } from './hastenShutdown.js';
import type { Layout } from './layout.js';
import { isGoing, probeServer, withServer } from './probeServer.js';

const POLL_MS = 25;
const PATIENCE_MS = 60_000;
/** Then it is ended as by a power cut: it replays its log at the next start, and nothing that was committed is lost. */
const FAST_SHUTDOWN_MS = 30_000;

/**
 * Shuts the server of a data directory down (PostgreSQL's fast shutdown) and waits until it has ended. Does
 * nothing when none runs. @throws DatabaseError `EMBEDDED_STOP_FAILED`
 */
export async function stopServer(layout: Layout, password: string): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  const forceAt = performance.now() + FAST_SHUTDOWN_MS;
  const failed = (what: string, cause?: unknown) =>
    new DatabaseError('EMBEDDED_STOP_FAILED', `The embedded PostgreSQL in ${layout.data} ${what}.`, {
      cause,
    });

  let signalled = false;
  let forced = false;
  /** It takes its file away before it is gone itself. */
  let postmaster = await findPostmaster(layout);
  for (;;) {
    const probe = await probeServer(layout, password);
    if (probe.kind === 'ours' && !signalled) {
      const pid = await postmasterPid(probe.port, password);
      try {
        if (pid !== null) process.kill(pid, 'SIGINT');
      } catch (cause) {
        throw failed(`(process ${pid}) can't be signalled by this user`, cause);
      }
      signalled = pid !== null;
    }
    if (probe.kind === 'not-ready' && isShuttingDown(probe.reason) && !signalled) {
      signalled = await hastenShutdown(layout);
    }
    if (probe.kind === 'absent') {
      // Between a crash and its restart it answers nobody, and would be back after we had left. It isn't told to end
      // before it is: a fast shutdown that comes just as it begins anew is never finished (seen with PostgreSQL 18.4).
      postmaster = (await findPostmaster(layout)) ?? postmaster;
      const isThere = postmaster !== undefined && (await isPostmaster(postmaster, layout));
      if (!isThere && !(signalled && existsSync(join(layout.data, 'postmaster.pid')))) return;
    }
    if (signalled && !forced && performance.now() > forceAt) forced = await hastenShutdown(layout, 'SIGQUIT');
    if (performance.now() > giveUpAt) throw failed('has not ended within a minute');
    await delay(POLL_MS);
  }
}

// Asked of the server itself, which reads the file in its own data directory: what lies there can't be a
// leftover with a process id that is somebody else's by now. Null: it restarts after a crash, or is going already.
async function postmasterPid(port: number, password: string): Promise<number | null> {
  const asked = withServer(port, password, async (client) => {
    const { rows } = await client.query<{ pid: number }>(
      `SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int AS pid`,
    );
    const pid = rows[0]?.pid;
    if (!pid || pid <= 1) throw new Error('postmaster.pid holds no process id');
    return pid;
  });
  return asked.catch((error: unknown) => {
    if (isGoing(error)) return null;
    throw error;
  });
}
