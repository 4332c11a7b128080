import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MigrationList } from '@prisma/schema-engine-wasm';
import { DatabaseError, errorCode } from '../errors.js';

/**
 * Where schema.prisma and migrations/ lie: in the built package beside the compiled code, in the sources at the
 * root of the repository.
 */
export function prismaDirectory(): string {
  const packageOrDist = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
  const candidates = [
    join(dirname(dirname(fileURLToPath(import.meta.url))), 'prisma'),
    join(dirname(dirname(packageOrDist)), 'prisma'),
  ];
  const found = candidates.find((directory) => existsSync(join(directory, 'schema.prisma')));
  if (found) return found;
  throw new DatabaseError(
    'MIGRATIONS_NOT_FOUND',
    `No schema.prisma in ${candidates.join(' or ')}: build the package again (pnpm --filter @neolith/database build).`,
  );
}

/** Reads the migrations in the shape Prisma's engine takes, oldest first. @throws DatabaseError `MIGRATIONS_NOT_FOUND` */
export async function readMigrations(directory: string): Promise<MigrationList> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((cause: unknown) => {
    throw new DatabaseError('MIGRATIONS_NOT_FOUND', `The migrations in ${directory} can't be read.`, {
      cause,
    });
  });
  const names = entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  const migrationDirectories = await Promise.all(
    names.map(async (name) => ({
      path: name,
      migrationFile: {
        path: 'migration.sql',
        content: {
          tag: 'ok' as const,
          value: await readFile(join(directory, name, 'migration.sql'), 'utf8'),
        },
      },
    })),
  );
  return {
    baseDir: directory,
    lockfile: { path: 'migration_lock.toml', content: await readLockfile(directory) },
    shadowDbInitScript: '',
    migrationDirectories,
  };
}

/** schema.prisma as the engine takes it. */
export async function readSchema(directory: string): Promise<{ path: string; content: string }[]> {
  const path = join(directory, 'schema.prisma');
  return [{ path: basename(path), content: await readFile(path, 'utf8') }];
}

async function readLockfile(directory: string): Promise<string | null> {
  try {
    return await readFile(join(directory, 'migration_lock.toml'), 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}
