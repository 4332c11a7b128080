import { join } from 'node:path';

/** Where the parts of one embedded server lie. */
export interface Layout {
  /** The directory that holds all of it, with symbolic links resolved. */
  readonly root: string;
  /** PostgreSQL's own data directory. */
  readonly data: string;
  readonly passwordFile: string;
  readonly portFile: string;
  readonly lockFile: string;
  readonly logFile: string;
}

export function layoutOf(root: string): Layout {
  return {
    root,
    data: join(root, 'data'),
    passwordFile: join(root, 'password'),
    portFile: join(root, 'port'),
    lockFile: join(root, 'start.lock'),
    logFile: join(root, 'postgres.log'),
  };
}

/** The last sentence of every error about the embedded server: the way that always exists. */
export const WAY_OUT =
  'Or set DATABASE_URL to a PostgreSQL 15 or newer of your own: nothing embedded is used then.';
