import { type Database, migrate, openDatabase } from '@neolith/database';
import { createWorkEngine, type WorkEngine } from '@neolith/work-engine';

export interface BenchEngine {
  readonly engine: WorkEngine;
  readonly pool: Database['pool'];
  close(): Promise<void>;
}

/** A migrated database with one workspace, and the engine on it. Vacuum waits for us, so that fills are alike. */
export async function openEngine(
  url: string,
  options: { poolSize?: number; clock?: () => Date } = {},
): Promise<BenchEngine> {
  await migrate(url);
  const database = openDatabase(url, { poolSize: options.poolSize ?? 1, statementTimeoutMs: 600_000 });
  const unscoped = createWorkEngine({
    ...database,
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  });
  const workspace = await unscoped.createWorkspace({ slug: 'bench', name: 'Benchmark' });
  return {
    engine: unscoped.as({ workspaceId: workspace.id }),
    pool: database.pool,
    async close() {
      await unscoped.close();
      await database.close();
    },
  };
}
