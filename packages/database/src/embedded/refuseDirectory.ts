import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseError, errorCode } from '../errors.js';
import { type Layout, WAY_OUT } from './layout.js';
import { unusable } from './place.js';

/**
 * Refuses a directory whose data isn't a server's of this major version. PostgreSQL would refuse too, but can't
 * say where to go from there.
 *
 * @throws DatabaseError `EMBEDDED_OTHER_MAJOR`, `EMBEDDED_FOREIGN_DIRECTORY`
 */
export async function refuseOtherData(layout: Layout, major: number): Promise<void> {
  if (existsSync(join(layout.root, 'PG_VERSION'))) {
    throw new DatabaseError(
      'EMBEDDED_FOREIGN_DIRECTORY',
      `${layout.root} is the data directory of a PostgreSQL that isn't ours. Name an empty place with NEOLITH_HOME, ` +
        'or start that PostgreSQL yourself and set DATABASE_URL to it.',
    );
  }
  if (!existsSync(layout.data)) return;

  const found = await readFile(join(layout.data, 'PG_VERSION'), 'utf8').catch((error: unknown) => {
    if (errorCode(error) !== 'ENOENT') throw unusable(layout.root, error);
    throw new DatabaseError(
      'EMBEDDED_FOREIGN_DIRECTORY',
      `${layout.data} exists but isn't a PostgreSQL data directory. Move it away, or name another place with ` +
        `NEOLITH_HOME. ${WAY_OUT}`,
    );
  });
  if (Number.parseInt(found, 10) === major) return;
  throw new DatabaseError(
    'EMBEDDED_OTHER_MAJOR',
    `${layout.data} was made by PostgreSQL ${found.trim()}, and this version brings ${major}. Nothing was touched. ` +
      `To keep the data: with the version of Neolith that made it, run pg_dump; move ${layout.root} away; start this ` +
      `version once; load the dump with psql. To start afresh: move ${layout.root} away. ${WAY_OUT}`,
  );
}
