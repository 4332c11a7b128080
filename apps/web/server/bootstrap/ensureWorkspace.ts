import type { Database } from '@neolith/database';
import type { WorkEngine } from '@neolith/work-engine';

export const DEFAULT_WORKSPACE = 'default';

/** The bare UUID of the workspace that a first start makes. */
export async function ensureWorkspace(database: Database, engine: WorkEngine): Promise<string> {
  const find = () => database.prisma.workspace.findUnique({ where: { slug: DEFAULT_WORKSPACE } });
  const known = await find();
  if (known !== null) return known.id;
  await engine.createWorkspace({ slug: DEFAULT_WORKSPACE, name: 'Default' });
  const made = await find();
  if (made === null) throw new Error(`The workspace "${DEFAULT_WORKSPACE}" was made and is not there`);
  return made.id;
}
