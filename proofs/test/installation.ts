import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Database, migrate, openDatabase } from '@neolith/database';
import { createWorkEngine, type WorkEngine } from '@neolith/work-engine';
import { startServer } from '../../apps/web/test/startServer.js';
import { type ChaosPostgres, startChaosPostgres } from '../chaos/chaosPostgres.js';

const neolith = fileURLToPath(new URL('../../packages/cli/bin/neolith.js', import.meta.url));

export interface InstallationOptions {
  /** What its temporary directory is called. */
  name: string;
  /** Seconds that the tasks of the shell agent take: one of these. */
  taskSeconds: readonly number[];
  leaseSeconds: number;
  /** Of each daemon. */
  slots: number;
}

/** What the agents themselves wrote, beside the engine: ids of attempts. */
export interface Ledger {
  begun: string[];
  ended: Set<string>;
}

/** A server on a durable PostgreSQL and daemons with a shell agent, each of which may be killed. */
export interface Installation {
  /** Of the server; stays the same when it is restarted. */
  readonly url: string;
  readonly token: string;
  readonly postgres: ChaosPostgres;
  readonly database: Database;
  /** An engine beside the server's, of all workspaces. */
  readonly engine: WorkEngine;
  startDaemon(name: string): ChildProcess;
  /** The faults of servers: each resolves when what was killed is up again. */
  readonly faults: Record<
    'web_killed' | 'postgres_killed' | 'postgres_everything_killed',
    () => Promise<void>
  >;
  readLedger(): Promise<Ledger>;
  /** An error that tells what server and daemons wrote last. */
  explain(what: string, error: unknown): Error;
  /** Kills all of it, and removes what it left. */
  stop(): Promise<void>;
}

export async function startInstallation(options: InstallationOptions): Promise<Installation> {
  const home = await mkdtemp(join(tmpdir(), `${options.name}-`));
  // PostgreSQL may run as another user.
  await chmod(home, 0o755);
  const ledger = join(home, 'ledger');
  const postgres = await startChaosPostgres(join(home, 'postgres'));
  await migrate(postgres.url);
  let server = await startServer({ databaseUrl: postgres.url, home });
  const { url, port } = server;
  const token = await server.token();
  const database = openDatabase(postgres.url);
  const engine = createWorkEngine(database);
  const daemons: ChildProcess[] = [];
  const command =
    `echo "begin $NEOLITH_ATTEMPT_ID" >> ${ledger}; ` +
    `n=$(( $$ % ${options.taskSeconds.length} )); set -- ${options.taskSeconds.join(' ')}; shift $n; sleep $1; ` +
    `echo "end $NEOLITH_ATTEMPT_ID" >> ${ledger}`;
  let logs = '';
  const killPostgres = async (what: 'postmaster' | 'everything'): Promise<void> => {
    await postgres.kill(what);
    await postgres.start();
  };

  return {
    url,
    token,
    postgres,
    database,
    engine,
    startDaemon(name) {
      const child = spawn(
        process.execPath,
        [
          ...[neolith, 'daemon', '--name', name, '--all', '--slots', String(options.slots)],
          ...['--lease-seconds', String(options.leaseSeconds), '--shell-command', command],
        ],
        {
          env: {
            PATH: process.env.PATH,
            HOME: process.env.HOME,
            NEOLITH_HOME: join(home, name),
            NEOLITH_URL: url,
            NEOLITH_TOKEN: token,
          },
          stdio: ['ignore', 'ignore', 'pipe'],
        },
      );
      child.stderr?.setEncoding('utf8').on('data', (part: string) => {
        logs = (logs + part).slice(-200_000);
      });
      daemons.push(child);
      return child;
    },
    faults: {
      async web_killed() {
        await server.stop('SIGKILL');
        server = await startServer({ databaseUrl: postgres.url, home, port });
      },
      postgres_killed: () => killPostgres('postmaster'),
      postgres_everything_killed: () => killPostgres('everything'),
    },
    async readLedger() {
      const lines = (await readFile(ledger, 'utf8')).trim().split('\n');
      const of = (word: string) =>
        lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
      return { begun: of('begin'), ended: new Set(of('end')) };
    },
    explain: (what, error) =>
      new Error(
        `${what}: ${(error as Error).message}\nServer:\n${server.output().slice(-5_000)}\nDaemons:\n${logs.slice(-5_000)}`,
        { cause: error },
      ),
    async stop() {
      for (const child of daemons) {
        // It may be stopped.
        child.kill('SIGCONT');
        child.kill('SIGKILL');
      }
      await Promise.all(daemons.map(ended));
      await server.stop('SIGKILL');
      await engine.close();
      await database.close();
      await postgres.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** Resolves when the process is gone. */
export function ended(child: ChildProcess): Promise<unknown> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', resolve));
}
