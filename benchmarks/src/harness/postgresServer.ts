import { chmod, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '@neolith/database';
import pg from 'pg';

export interface PostgresServer {
  readonly url: string;
  /** An empty database on it; its address. */
  createDatabase(name: string): Promise<string>;
  /** The settings that decide about speed and durability, as the server itself says them. */
  readonly settings: string;
  stop(): Promise<void>;
}

const TOLD = [
  'server_version',
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'shared_buffers',
  'max_wal_size',
];

export async function startPostgres(
  directory: string,
  settings: Readonly<Record<string, string | number>> = {},
): Promise<PostgresServer> {
  const home = await mkdtemp(join(directory, 'postgres-'));
  // As root the server runs as another user, who must get there; else its data lies elsewhere, where nobody removes it.
  for (const passed of [directory, home]) await chmod(passed, 0o711);
  const server = await startEmbeddedPostgres({ dataDirectory: join(home, 'data'), settings });
  const ask = async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> => {
    const client = new pg.Client(server.url);
    await client.connect();
    try {
      return (await client.query<Row>(text, values)).rows;
    } finally {
      await client.end();
    }
  };
  const [told] = await ask<{ text: string }>(
    `SELECT string_agg(name || ' ' || current_setting(name), ', ' ORDER BY array_position($1, name)) AS text FROM pg_settings WHERE name = ANY ($1)`,
    [TOLD],
  );
  return {
    url: server.url,
    settings: `PostgreSQL: ${told?.text ?? ''}`,
    async createDatabase(name) {
      await ask(`CREATE DATABASE ${pg.escapeIdentifier(`bench_${name}`)}`);
      const own = new URL(server.url);
      own.pathname = `/bench_${name}`;
      return own.href;
    },
    stop: () => server.stop(),
  };
}
