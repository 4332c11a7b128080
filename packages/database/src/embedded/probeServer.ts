import { readFile, realpath } from 'node:fs/promises';
import pg from 'pg';
import { errorCode } from '../errors.js';
import { rememberedPort } from './choosePort.js';
import type { Layout } from './layout.js';

export const SERVER_USER = 'neolith';
export const SERVER_DATABASE = 'neolith';

/** What answers where the server of a data directory would. */
export type Probe =
  | { kind: 'ours'; port: number }
  /** A PostgreSQL that isn't ready: starting, replaying its log after a crash, shutting down, or full. */
  | { kind: 'not-ready'; port: number; reason: string }
  | { kind: 'absent' };

// cannot_connect_now, too_many_connections
const NOT_READY_CODES = ['57P03', '53300'];
// What a server says, or its socket, that goes down or ends all sessions because one of them crashed.
const GOING_CODES = [...NOT_READY_CODES, '57P01', '57P02', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'];

/** Whether a call failed because the server is restarting, or going: worth another look at what it is now. */
export function isGoing(error: unknown): boolean {
  const code = errorCode(error);
  if (code !== undefined) return GOING_CODES.includes(code);
  // The driver's own words for a connection that ended under it carry no code.
  return error instanceof Error && /^Connection terminated/.test(error.message);
}

/**
 * Looks for the running server of a data directory. It is ours only if it accepts our password and says that its
 * data directory is this one; a process id proves nothing, it may be anybody's by now.
 */
export async function probeServer(layout: Layout, password: string): Promise<Probe> {
  let notReady: Probe | undefined;
  for (const port of await candidatePorts(layout)) {
    const probe = await probePort(layout, port, password);
    if (probe.kind === 'ours') return probe;
    if (probe.kind === 'not-ready') notReady = probe;
  }
  return notReady ?? { kind: 'absent' };
}

/** Runs `work` on a connection to the server's maintenance database, as its superuser. */
export async function withServer<T>(
  port: number,
  password: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: SERVER_USER,
    password,
    database: 'postgres',
    application_name: 'neolith-embedded',
    connectionTimeoutMillis: 5_000,
    query_timeout: 15_000,
  });
  // Without a listener a connection lost while idle would end this process; the next query reports it too.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function probePort(layout: Layout, port: number, password: string): Promise<Probe> {
  try {
    const directory = await withServer(port, password, async (client) => {
      const { rows } = await client.query<{ directory: string }>(
        `SELECT current_setting('data_directory') AS directory`,
      );
      return rows[0]?.directory;
    });
    const same = directory !== undefined && (await realpath(directory)) === (await realpath(layout.data));
    return same ? { kind: 'ours', port } : { kind: 'absent' };
  } catch (error) {
    const code = errorCode(error);
    if (code && NOT_READY_CODES.includes(code)) {
      return { kind: 'not-ready', port, reason: error instanceof Error ? error.message : code };
    }
    // Refused, another server's password error, or something that doesn't speak PostgreSQL: not ours. Should
    // it be ours and hang, PostgreSQL's own lock on the directory keeps a second one out.
    return { kind: 'absent' };
  }
}

async function candidatePorts(layout: Layout): Promise<number[]> {
  const ports = [await portInUse(layout), await rememberedPort(layout.portFile)];
  return [...new Set(ports.filter((port) => port !== undefined))];
}

// The fourth line of postmaster.pid is the port the last server of this directory was given.
async function portInUse(layout: Layout): Promise<number | undefined> {
  try {
    const lines = (await readFile(`${layout.data}/postmaster.pid`, 'utf8')).split('\n');
    const port = Number.parseInt(lines[3] ?? '', 10);
    return port > 0 ? port : undefined;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
