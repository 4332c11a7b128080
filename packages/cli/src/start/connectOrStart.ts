import { type Connection, type ConnectionFlags, resolveConnection } from '../connection/resolveConnection.js';
import { CommandError } from '../output/commandError.js';
import { findWeb } from './findWeb.js';
import { holdHome } from './holdHome.js';
import { prepareHome } from './home.js';
import { openServer } from './openServer.js';
import { type AskedToEnd, listenForEnd } from './signals.js';
import { readStartRecord } from './startRecord.js';
import { isReady, waitUntilReady } from './waitUntilReady.js';

export interface ServedConnection {
  readonly connection: Connection;
  /** True: the server was started for this command alone. */
  readonly isOwn: boolean;
  /** Who listens for the end already; null: nobody yet. */
  readonly asked: AskedToEnd | null;
  /** Ends what was started here. */
  close(): Promise<void>;
}

export interface ServerNotes {
  readonly tell: (message: string) => void;
  readonly warn: (message: string) => void;
}

const STARTING_ELSEWHERE_MS = 90_000;

/**
 * The server that flags or environment name, else the one that runs on this machine, else one that is started for this
 * command alone and ends with it. Null: somebody wanted to end meanwhile.
 */
export async function connectOrStart(
  flags: ConnectionFlags,
  home: string,
  notes: ServerNotes,
): Promise<ServedConnection | null> {
  const { env } = process;
  const isNamed = flags.server ?? (env.NEOLITH_URL || env.NEOLITH_TOKEN || env.NEOLITH_TOKEN_FILE);
  const found = (): ServedConnection => ({
    connection: resolveConnection(flags, env, home),
    isOwn: false,
    asked: null,
    close: () => Promise.resolve(),
  });
  if (isNamed !== undefined && isNamed !== '') return found();
  const record = readStartRecord(home);
  if (record !== null && (await isReady(record.url))) return found();

  const web = findWeb();
  await prepareHome(home);
  const held = await holdHome(home, notes.tell);
  if (held === null) {
    // Somebody is starting it right now.
    const url = readStartRecord(home)?.url;
    if (url !== undefined && (await waitUntilReady(url, STARTING_ELSEWHERE_MS, () => false))) return found();
    throw new CommandError(
      'conflict',
      'STARTING_ELSEWHERE',
      `Another process holds ${home}, but its server does not answer. End that one, then try again.`,
    );
  }
  const asked = listenForEnd();
  try {
    const server = await openServer({ web, home, life: held.life, port: undefined, asked, ...notes });
    if (server === null) {
      await held.letGo();
      return null;
    }
    void server.watch();
    return {
      connection: resolveConnection({ ...flags, server: server.url }, env, home),
      isOwn: true,
      asked,
      async close() {
        try {
          await server.close();
        } finally {
          await held.letGo();
        }
      },
    };
  } catch (error) {
    await held.letGo();
    throw error;
  }
}
