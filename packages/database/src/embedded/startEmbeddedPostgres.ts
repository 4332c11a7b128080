import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseError } from '../errors.js';
import { type Binaries, prepareBinaries } from './binaries.js';
import { choosePort } from './choosePort.js';
import { hastenShutdown, isShuttingDown } from './hastenShutdown.js';
import { initialiseCluster, readOrMakePassword } from './initialiseCluster.js';
import { type Launched, launchPostmaster } from './launchPostmaster.js';
import { type Layout, WAY_OUT } from './layout.js';
import { preparePlace, unusable } from './place.js';
import { isGoing, probeServer, SERVER_DATABASE, SERVER_USER, withServer } from './probeServer.js';
import { refuseOtherData } from './refuseDirectory.js';
import { QUEUE_SETTINGS, type ServerSettings } from './serverSettings.js';
import { type ServiceUser, serviceUser } from './serviceUser.js';
import { removeStalePidFile } from './stalePidFile.js';
import { withStartLock } from './startLock.js';
import { stopServer } from './stopServer.js';

export interface StartEmbeddedPostgresOptions {
  /** Holds the server's data, password, port and log. Made when missing. */
  dataDirectory: string;
  /** Told, in one line each, what a person should know (another user, another place). Default: nobody. */
  log?: (message: string) => void;
  /** Settings of postgresql.conf on top of ours; they count only when this call starts the server. */
  settings?: ServerSettings;
}

export interface EmbeddedPostgres {
  /** Leads to a database that exists, with the password in it: not for logs. */
  readonly url: string;
  /** Whether this call started the server, or found it running. */
  readonly outcome: 'started' | 'attached';
  /**
   * Whether it can be worked with now or after some waiting. Not where it ended, hangs, or is on its way out, nor
   * where something else listens in its place: start it again then.
   */
  isUp(): Promise<boolean>;
  /** Shuts the server down for everybody: transactions under way are rolled back, what was committed is kept. */
  stop(): Promise<void>;
}

const POLL_MS = 25;
const HANDOVER_MS = 30_000;
const SLOW_START_MS = 3_000;

/** See `startEmbeddedPostgres` in load-embedded-postgres.ts. */
export async function startEmbeddedPostgres(
  options: StartEmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const log = options.log ?? (() => undefined);
  const user = await serviceUser();
  const layout = await preparePlace(options.dataDirectory, user, log);
  const binaries = await prepareBinaries(user, layout.root, log);

  return withStartLock(layout.lockFile, async () => {
    await refuseOtherData(layout, binaries.major);
    const password = await readOrMakePassword(layout, user);
    await initialiseCluster(layout, binaries, user);
    const server = { layout, binaries, user, password, log };
    const { outcome, port } = await openServer(server, { ...QUEUE_SETTINGS, ...options.settings });
    return {
      url: `postgresql://${SERVER_USER}:${password}@127.0.0.1:${port}/${SERVER_DATABASE}`,
      outcome,
      isUp: async () => {
        const probe = await probeServer(layout, password);
        return probe.kind === 'ours' || (probe.kind === 'not-ready' && !isShuttingDown(probe.reason));
      },
      stop: () => withStartLock(layout.lockFile, () => stopServer(layout, password)),
    };
  });
}

interface Server {
  layout: Layout;
  binaries: Binaries;
  user: ServiceUser | undefined;
  password: string;
  log: (message: string) => void;
}

/** Reaches the server and sees to it that the database exists; once more where it crashed between the two. */
async function openServer(server: Server, settings: ServerSettings) {
  const giveUpAt = performance.now() + HANDOVER_MS;
  for (;;) {
    const reached = await reachServer(server, settings);
    try {
      await withServer(reached.port, server.password, async (client) => {
        const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [
          SERVER_DATABASE,
        ]);
        if (rowCount === 0) await client.query(`CREATE DATABASE ${SERVER_DATABASE}`);
      });
      return reached;
    } catch (error) {
      if (!isGoing(error) || performance.now() > giveUpAt) throw error;
      await delay(POLL_MS * 4);
    }
  }
}

/** Attaches to the running server or starts one, waiting out recovery however long it takes. */
async function reachServer(
  server: Server,
  settings: ServerSettings,
): Promise<{ outcome: EmbeddedPostgres['outcome']; port: number }> {
  const { layout, user } = server;
  const log = onceEach(server.log);
  const handoverUntil = performance.now() + HANDOVER_MS;
  for (;;) {
    const running = await waitWhileNotReady(server, log);
    if (running.kind === 'ours') return { outcome: 'attached', port: running.port };

    if (user) log(`PostgreSQL refuses to run as root: it runs as the user "${user.name}"`);
    const port = await choosePort(layout.portFile);
    const launched = await launchPostmaster(layout, server.binaries, user, { ...settings, port });
    const ready = await waitUntilReady(server, launched, log);
    if (ready) return { outcome: 'started', port: ready.port };

    const output = await launched.output();
    const ending = readEnding(output);
    if (ending === 'port-taken') continue;
    if (ending === 'directory-in-use') {
      if (await removeStalePidFile(layout)) {
        log(`removed a leftover postmaster.pid from ${layout.data}: the process it names is another program`);
        continue;
      }
      // The server before this one is just going, or was started a moment ago: look again.
      if (performance.now() < handoverUntil) {
        await delay(POLL_MS * 4);
        continue;
      }
    }
    throw startError(layout, ending, output);
  }
}

async function waitWhileNotReady({ layout, password }: Server, log: (message: string) => void) {
  let hastened = false;
  for (;;) {
    const probe = await probeServer(layout, password);
    if (probe.kind !== 'not-ready') return probe;
    log(`waiting for PostgreSQL: ${probe.reason}`);
    if (!hastened && isShuttingDown(probe.reason)) hastened = await hastenShutdown(layout);
    await delay(POLL_MS * 4);
  }
}

async function waitUntilReady(
  { layout, password }: Server,
  launched: Launched,
  log: (message: string) => void,
) {
  const slowFrom = performance.now() + SLOW_START_MS;
  while (!launched.hasEnded()) {
    const probe = await probeServer(layout, password);
    if (probe.kind === 'ours' && !launched.hasEnded()) return probe;
    if (performance.now() > slowFrom) {
      log(`PostgreSQL is still starting, after a crash that can take minutes; its log: ${layout.logFile}`);
    }
    await Promise.race([launched.ended, delay(POLL_MS)]);
  }
  return undefined;
}

function onceEach(log: (message: string) => void): (message: string) => void {
  const told = new Set<string>();
  return (message) => {
    if (told.has(message)) return;
    told.add(message);
    log(message);
  };
}

type Ending = 'port-taken' | 'directory-in-use' | 'disk-full' | 'no-permission' | 'other';

/** Why a server ended at its start, from its own words (in English: LC_ALL is C). */
export function readEnding(output: string): Ending {
  if (/could not bind|could not create any TCP\/IP sockets/.test(output)) return 'port-taken';
  if (
    /lock file "[^"]*" already exists|pre-existing shared memory block|lock file "[^"]*" is empty/.test(
      output,
    )
  ) {
    return 'directory-in-use';
  }
  if (/No space left on device|Disk quota exceeded/.test(output)) return 'disk-full';
  if (/Permission denied|Read-only file system|wrong ownership/.test(output)) return 'no-permission';
  return 'other';
}

function startError(layout: Layout, ending: Ending, output: string): DatabaseError {
  const cause = new Error(output.trim().slice(-2_000) || 'it wrote nothing');
  if (ending === 'disk-full') return unusable(layout.root, Object.assign(cause, { code: 'ENOSPC' }));
  if (ending === 'no-permission') return unusable(layout.root, Object.assign(cause, { code: 'EACCES' }));
  return new DatabaseError(
    'EMBEDDED_START_FAILED',
    ending === 'directory-in-use'
      ? `Another PostgreSQL holds ${layout.data} but doesn't answer: ${cause.message} ${WAY_OUT}`
      : `PostgreSQL ended at its start (its log: ${layout.logFile}): ${cause.message} ${WAY_OUT}`,
    { cause },
  );
}
