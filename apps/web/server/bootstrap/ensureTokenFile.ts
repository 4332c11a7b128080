import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Database } from '@neolith/database';
import { parseSecret } from '../auth/secret';
import { findValidToken, issueToken } from '../auth/tokenStore';

export type TokenFileOutcome = 'kept' | 'made' | 'replaced';

async function readExisting(file: string): Promise<string | null> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

/** In one step: a reader finds the old token or the new one, never half of one, and never with a wider mode. */
async function replaceFile(file: string, text: string): Promise<void> {
  const draft = `${file}.${randomUUID()}`;
  try {
    await writeFile(draft, `${text}\n`, { mode: 0o600, flag: 'wx' });
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/**
 * Sees to it that `file` holds a token of scope admin which this database takes: for the command and the daemon of
 * the same machine. One that is missing is made; one that the database no longer takes (another database, revoked)
 * is replaced. Only its owner can read it.
 */
export async function ensureTokenFile(
  database: Database,
  workspaceId: string,
  file: string,
): Promise<TokenFileOutcome> {
  const existing = await readExisting(file);
  const secret = existing === null ? null : parseSecret(existing);
  if (secret !== null && (await findValidToken(database, secret, 'ACCESS')) !== null) {
    if (((await stat(file)).mode & 0o077) !== 0) await chmod(file, 0o600);
    return 'kept';
  }
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const issued = await issueToken(database, {
    workspaceId,
    kind: 'ACCESS',
    name: 'Token file of this machine',
    scopes: ['admin'],
    lifetimeSeconds: null,
  });
  await replaceFile(file, issued.text);
  return existing === null ? 'made' : 'replaced';
}
