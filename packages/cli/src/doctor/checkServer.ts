import { isLifeOver } from '@neolith/daemon';
import { neolithHome } from '@neolith/database/home';
import { type ConnectionFlags, resolveConnection } from '../connection/resolveConnection.js';
import { choosePort, DEFAULT_PORT } from '../start/choosePort.js';
import { readStartRecord, type StartRecord } from '../start/startRecord.js';
import { isReady } from '../start/waitUntilReady.js';
import type { Check, Finding } from './finding.js';

/** The server that commands would talk to, and whether it takes the token. */
export function checkServer(flags: ConnectionFlags, home: string): Check {
  return {
    check: 'server',
    look: async () => {
      const record = readStartRecord(home);
      const isNamed = flags.server !== undefined || Boolean(process.env.NEOLITH_URL);
      const url = flags.server ?? (process.env.NEOLITH_URL || record?.url);
      if (!isNamed && (url === undefined || !(await isReady(url)))) return notRunning(record);
      const connection = resolveConnection(flags, process.env, home);
      if (!(await isReady(connection.url))) {
        return [
          {
            check: 'server',
            status: 'failure',
            detail: `${connection.url} does not answer that it is ready`,
            remedy: 'Check the address and that the server and its database run.',
          },
        ];
      }
      const { orchestrators } = await connection.client.getOverview();
      return [
        {
          check: 'server',
          status: 'ok',
          detail: `${connection.url} takes the token of ${connection.tokenSource}; ${orchestrators.length} orchestrators`,
        },
      ];
    },
  };
}

async function notRunning(record: StartRecord | null): Promise<Finding[]> {
  const host = process.env.HOST || '127.0.0.1';
  if (record !== null && record.life !== '' && !(await isLifeOver(record.life))) {
    return [
      {
        check: 'server',
        status: 'failure',
        detail: `process ${record.pid} runs the server of this machine, but ${record.url} does not answer`,
        remedy: `Wait a moment if it was just started; else end it and start again: kill ${record.pid}`,
      },
    ];
  }
  const port = await choosePort({ host, wanted: undefined, remembered: record?.port });
  const wanted = record?.port ?? DEFAULT_PORT;
  const taken = port === wanted ? '' : `port ${wanted} is taken by another program, `;
  return [
    ...(record === null || record.life === ''
      ? []
      : [
          {
            check: 'server',
            status: 'warning',
            detail: `the server of process ${record.pid} was killed, and left its record behind`,
            remedy: 'Nothing needs to be done: the next start takes its place and keeps the data.',
          } as const,
        ]),
    {
      check: 'server',
      status: 'absent',
      detail: `no server runs on this machine; ${taken}port ${port} is free for one`,
      remedy:
        '`neolith start` runs one for good; `neolith execute` starts one for itself and ends it afterwards.',
    },
  ];
}

/** Which database a start would use, and whether it answers. */
export function checkDatabase(env: NodeJS.ProcessEnv): Check {
  return {
    check: 'database',
    look: async () => {
      if (!env.DATABASE_URL) {
        return [
          {
            check: 'database',
            status: 'ok',
            detail: `embedded PostgreSQL below ${neolithHome()} (DATABASE_URL is not set)`,
          },
        ];
      }
      const { openDatabase } = await import('@neolith/database');
      const database = openDatabase(env.DATABASE_URL, { poolSize: 1 });
      try {
        const { rows } = await database.pool.query<{ version: string }>(
          "SELECT current_setting('server_version') AS version",
        );
        return [
          { check: 'database', status: 'ok', detail: `PostgreSQL ${rows[0]?.version ?? ''} of DATABASE_URL` },
        ];
      } catch (error) {
        return [
          {
            check: 'database',
            status: 'failure',
            detail: `DATABASE_URL can't be used: ${(error as Error).message}`,
            remedy: 'Correct it, or leave it out to use the embedded PostgreSQL.',
          },
        ];
      } finally {
        await database.close();
      }
    },
  };
}
