import { type Database, migrate, type OpenDatabaseOptions, openDatabase } from '@neolith/database';
import { createWorkEngine, type WorkEngine } from '@neolith/work-engine';

/** What fills a database by SQL of its own sends statements of minutes. */
export const FILL_TIMEOUT_MS = 600_000;

export interface BenchEngine {
  /** Only the benchmark's workspace. */
  readonly engine: WorkEngine;
  /** All workspaces, as a server's sweep sees them. */
  readonly unscoped: WorkEngine;
  readonly pool: Database['pool'];
  close(): Promise<void>;
}

/**
 * A migrated database with one workspace, and the engine on it.
 *
 * @param options as `openDatabase` takes them, but one connection unless told otherwise; `clock` is the engine's
 */
export async function openEngine(
  url: string,
  { clock, ...options }: OpenDatabaseOptions & { clock?: () => Date } = {},
): Promise<BenchEngine> {
  await migrate(url);
  const database = openDatabase(url, { poolSize: 1, ...options });
  const unscoped = createWorkEngine({ ...database, ...(clock === undefined ? {} : { clock }) });
  const workspace = await unscoped.createWorkspace({ slug: 'bench', name: 'Benchmark' });
  return {
    engine: unscoped.as({ workspaceId: workspace.id }),
    unscoped,
    pool: database.pool,
    async close() {
      await unscoped.close();
      await database.close();
    },
  };
}
