import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@neolith/database';
import pg from 'pg';

const execute = promisify(execFile);

/** An embedded PostgreSQL with durable settings, to be done violence to. */
export interface ChaosPostgres {
  readonly url: string;
  /** SIGKILL to its main process, or to every process of it as a power cut would. */
  kill(what: 'postmaster' | 'everything'): Promise<void>;
  /** SIGKILL to one session: the server then restarts all of them by itself. */
  killSession(): Promise<number>;
  /** @returns how many sessions were ended. */
  terminateSessions(): Promise<number>;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Of its main process, as it says itself. */
  pid(): Promise<number>;
}

export async function startChaosPostgres(dataDirectory: string): Promise<ChaosPostgres> {
  const begin = (): Promise<EmbeddedPostgres> => startEmbeddedPostgres({ dataDirectory });
  let server = await begin();
  const { url } = server;
  const directory = await ask<string>(url, 'SHOW data_directory', 'data_directory');

  const mainPid = async (): Promise<number> =>
    Number((await readFile(join(directory, 'postmaster.pid'), 'utf8')).split('\n')[0]);

  return {
    url,
    async kill(what) {
      const main = await mainPid();
      const all = what === 'everything' ? [main, ...(await childrenOf(main))] : [main];
      for (const pid of all) killIfThere(pid);
      await untilGone(main);
    },
    async killSession() {
      const pid = await ask<number>(
        url,
        `SELECT pid FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY backend_start LIMIT 1`,
        'pid',
      );
      killIfThere(pid);
      return pid;
    },
    terminateSessions: async () =>
      Number(
        await ask<string>(
          url,
          `SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) AS ended FROM pg_stat_activity
           WHERE datname = current_database() AND pid <> pg_backend_pid()`,
          'ended',
        ),
      ),
    async start() {
      server = await begin();
      // Who was given the url keeps it: the port must be remembered.
      if (server.url !== url) throw new Error('PostgreSQL came back at another address');
    },
    stop: () => server.stop(),
    pid: mainPid,
  };
}

async function ask<Value>(url: string, text: string, column: string): Promise<Value> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, Value>>(text);
    return rows[0]?.[column] as Value;
  } finally {
    await client.end();
  }
}

async function childrenOf(parent: number): Promise<number[]> {
  const { stdout } = await execute('ps', ['-A', '-o', 'pid=,ppid=']);
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, ppid]) => ppid === parent)
    .map(([pid]) => pid as number);
}

function killIfThere(pid: number): void {
  if (!Number.isInteger(pid) || pid <= 1) throw new Error(`${pid} is no process to kill`);
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It has ended by itself meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function untilGone(pid: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const { stdout } = await execute('ps', ['-o', 'stat=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
    // A zombie is gone; whoever started it need not have noticed.
    if (stdout.trim() === '' || stdout.trim().startsWith('Z')) return;
    if (performance.now() > deadline) throw new Error(`Process ${pid} survived SIGKILL`);
    await delay(20);
  }
}
