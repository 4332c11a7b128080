import { prismaDirectory, readSchema } from './readMigrations.js';
import { withSchemaEngine } from './withSchemaEngine.js';

/**
 * How a database differs from schema.prisma: the SQL that would make it equal, or `''` when nothing does.
 * Changes nothing. What Prisma has no model for (functions, CHECKs, partial indexes) isn't compared.
 */
export async function migrationDrift(url: string): Promise<string> {
  const directory = prismaDirectory();
  const files = await readSchema(directory);
  const { exitCode, stdout } = await withSchemaEngine(
    url,
    (engine) =>
      engine.diff({
        from: { tag: 'schemaDatasource', files, configDir: directory },
        to: { tag: 'schemaDatamodel', files },
        script: true,
        exitCode: true,
        filters: { externalTables: [], externalEnums: [] },
      }),
    { datamodels: files.map(({ path, content }) => [path, content]) },
  );
  return exitCode === 0 ? '' : (stdout ?? '').trim();
}
