import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '../output/commandError.js';
import { choosePort } from './choosePort.js';
import type { WebProgram } from './findWeb.js';
import { openLog, writeStartRecord } from './home.js';
import type { AskedToEnd } from './signals.js';
import { type StartedDatabase, startDatabase } from './startDatabase.js';
import { readStartRecord } from './startRecord.js';
import { type SupervisedChild, superviseChild } from './superviseChild.js';
import { waitUntilReady } from './waitUntilReady.js';

export interface ServerSpec {
  readonly web: WebProgram;
  readonly home: string;
  /** Of the process that supervises; see `describeDaemonLife`. */
  readonly life: string;
  readonly port: number | undefined;
  readonly asked: AskedToEnd;
  /** What is going on, for whoever waits. */
  readonly tell: (message: string) => void;
  /** Something had to be started again, or can't be. */
  readonly warn: (message: string) => void;
}

export interface OpenServer {
  readonly url: string;
  readonly tokenFile: string;
  /** Sees to it that an embedded database lives, until we are asked to end or `close` is called. */
  watch(): Promise<void>;
  /** In order: who uses something ends before it. */
  close(): Promise<void>;
}

const READY_MS = 90_000;
const WATCH_MS = 2_000;
/** A server that ends so often before it was ready won't be. */
const ENDINGS_MAX = 3;
const WEB_GRACE_MS = 10_000;

/**
 * Starts the database and the web server of `home` as processes of their own. Null: asked to end meanwhile.
 * The caller holds the name of `home`: two servers on one directory would be one too many.
 * @throws CommandError `SERVER_NOT_READY`, `TOKEN_MISSING`; what can't be started is ended again
 */
export async function openServer(spec: ServerSpec): Promise<OpenServer | null> {
  const { web, home, life, asked, tell } = spec;
  const host = process.env.HOST || '127.0.0.1';
  const port = await choosePort({ host, wanted: spec.port, remembered: readStartRecord(home)?.port });
  const url = `http://${['0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host}:${port}`;
  const record = { life, pid: process.pid, port, url };
  const tokenFile = join(home, 'token');
  const log = await openLog(home, 'web');
  let database: StartedDatabase | null = null;
  let server: SupervisedChild | null = null;
  let closing = false;

  async function close(): Promise<void> {
    closing = true;
    if (server !== null) {
      const stopped = server.stop(WEB_GRACE_MS);
      // It has nothing to lose.
      void asked.again.then(() => server?.stop(0));
      await stopped;
    }
    await database?.stop();
    await writeStartRecord(home, { ...record, life: '' });
    await log.handle.close();
  }

  try {
    if (!process.env.DATABASE_URL) tell('Starting PostgreSQL …');
    database = await startDatabase(home, process.env, tell);
    if (!asked.isAsked()) {
      tell('Starting the server …');
      server = superviseChild(
        {
          name: 'server',
          command: process.execPath,
          args: [web.script, 'start', '-H', host, '-p', String(port)],
          cwd: web.directory,
          environment: childEnvironment(life, {
            DATABASE_URL: database.url,
            NEOLITH_HOME: home,
            NODE_ENV: 'production',
          }),
          log: log.handle,
        },
        { onRestart: (ending, delayMs) => spec.warn(describeRestart('server', ending, delayMs, log.file)) },
      );
      await writeStartRecord(home, record);
      await becomeReady(server);
    }
    if (asked.isAsked()) {
      await close();
      return null;
    }
  } catch (error) {
    await close();
    throw error;
  }

  async function becomeReady(child: SupervisedChild): Promise<void> {
    const hopeless = (): boolean => child.endings() >= ENDINGS_MAX || asked.isAsked();
    if (!(await waitUntilReady(url, READY_MS, hopeless))) {
      if (asked.isAsked()) return;
      throw new CommandError(
        'failed',
        'SERVER_NOT_READY',
        `The server did not come up. Its log, ${log.file}, ends with:\n${lastLines(log.file)}`,
      );
    }
    if (!existsSync(tokenFile)) {
      throw new CommandError(
        'failed',
        'TOKEN_MISSING',
        `The server made no token file ${tokenFile}. Its log: ${log.file}`,
      );
    }
  }

  async function watch(): Promise<void> {
    let databaseUrl = database?.url;
    let looking: Promise<void> | null = null;
    const look = async (): Promise<void> => {
      try {
        const revived = (await database?.revive()) ?? null;
        if (revived === null || closing || asked.isAsked()) return;
        spec.warn('PostgreSQL had ended; it was started again.');
        if (revived === databaseUrl) return;
        databaseUrl = revived;
        await server?.restart({ DATABASE_URL: revived });
      } catch (error) {
        spec.warn(`PostgreSQL ended and can't be started: ${(error as Error).message}`);
      }
    };
    const timer = setInterval(() => {
      if (closing) {
        clearInterval(timer);
        return;
      }
      looking ??= look().finally(() => {
        looking = null;
      });
    }, WATCH_MS);
    // Holds this process also where nothing is to be watched.
    await asked.once;
    clearInterval(timer);
    await looking;
  }

  return { url, tokenFile, watch, close };
}

/** What children see: our environment without what would lead them to another server, and our marker. */
export function childEnvironment(
  life: string,
  more: Record<string, string>,
): Record<string, string | undefined> {
  const { NEOLITH_URL: _url, NEOLITH_TOKEN: _token, NEOLITH_TOKEN_FILE: _file, ...rest } = process.env;
  return { ...rest, NEXT_TELEMETRY_DISABLED: '1', ...more, NEOLITH_DAEMON: life };
}

/** Pure. */
export function describeRestart(name: string, ending: string, delayMs: number, file: string): string {
  return `The ${name} ended (${ending}); starting it again in ${delayMs / 1_000} s. Its log: ${file}`;
}

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
}
