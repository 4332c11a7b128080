import type { TokenScope } from '@neolith/contracts';
import type { Database } from '@neolith/database';
import { gather } from '../gather';
import { issueSecret, type Secret, sameHash } from './secret';

export type TokenKind = 'ACCESS' | 'SIGN_IN' | 'SESSION';

export interface ValidToken {
  /** Bare UUIDs. */
  id: string;
  workspaceId: string;
  scopes: TokenScope[];
}

interface TokenRow {
  id: string;
  kind: TokenKind;
  workspace_id: string;
  hash: Buffer;
  scopes: TokenScope[];
  usable: boolean;
  unmarked: boolean;
}

const lookUps = new WeakMap<Database['pool'], (id: string) => Promise<TokenRow | undefined>>();

/** Calls that come in while a look-up is under way are looked up together by the next one. */
function lookUpOf(pool: Database['pool']): (id: string) => Promise<TokenRow | undefined> {
  const known = lookUps.get(pool);
  if (known !== undefined) return known;
  const made = gather<string, TokenRow | undefined>(async (ids) => {
    const { rows } = await pool.query<TokenRow>({
      name: 'neolith_web_find_tokens',
      text: `SELECT id, kind, workspace_id, hash, scopes,
               revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) AS usable,
               last_used_at IS NULL OR last_used_at < now() - interval '1 minute' AS unmarked
             FROM api_tokens WHERE id = ANY ($1::uuid[])`,
      values: [[...new Set(ids)]],
    });
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => byId.get(id));
  });
  lookUps.set(pool, made);
  return made;
}

/**
 * The token that a secret belongs to; null where it is unknown, of another kind, expired or revoked. Read afresh on
 * every call, by a statement that begins after the call, so that a revocation holds from the next one on: nothing is
 * kept between calls, those that arrive together are only asked for together. Time is the database's.
 */
export async function findValidToken(
  { pool }: Pick<Database, 'pool'>,
  secret: Secret,
  kind: TokenKind,
): Promise<ValidToken | null> {
  const row = await lookUpOf(pool)(secret.id);
  if (row?.kind !== kind || !sameHash(row.hash, secret.hash) || !row.usable) return null;
  if (row.unmarked) await markUsed({ pool }, secret.id);
  return { id: secret.id, workspaceId: row.workspace_id, scopes: row.scopes };
}

/** At most one write a minute and token, also when many calls of one token find it due at once. */
async function markUsed({ pool }: Pick<Database, 'pool'>, id: string): Promise<void> {
  await pool.query({
    name: 'neolith_web_mark_token',
    text: `UPDATE api_tokens SET last_used_at = now() WHERE id = (
             SELECT id FROM api_tokens
             WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
             FOR NO KEY UPDATE SKIP LOCKED)`,
    values: [id],
  });
}

export interface NewSecret {
  workspaceId: string;
  kind: TokenKind;
  name: string;
  scopes: readonly TokenScope[];
  /** Null never expires. */
  lifetimeSeconds: number | null;
}

export interface IssuedSecret {
  id: string;
  text: string;
  expiresAt: Date | null;
}

/** Stores a new token and answers its secret, which exists nowhere else from then on. */
export async function issueToken({ pool }: Pick<Database, 'pool'>, token: NewSecret): Promise<IssuedSecret> {
  const secret = issueSecret();
  const { rows } = await pool.query<{ expires_at: Date | null }>(
    `INSERT INTO api_tokens (id, workspace_id, kind, name, hash, scopes, expires_at)
     VALUES ($1, $2, $3::token_kind, $4, $5, $6, now() + make_interval(secs => $7))
     RETURNING expires_at`,
    [secret.id, token.workspaceId, token.kind, token.name, secret.hash, token.scopes, token.lifetimeSeconds],
  );
  return { id: secret.id, text: secret.text, expiresAt: rows[0]?.expires_at ?? null };
}

/** Uses a one-time token up: of two calls at once exactly one gets it. Null where it is not valid any more. */
export async function consumeToken(
  { pool }: Pick<Database, 'pool'>,
  secret: Secret,
  kind: TokenKind,
): Promise<ValidToken | null> {
  const valid = await findValidToken({ pool }, secret, kind);
  if (valid === null) return null;
  const { rowCount } = await pool.query(
    `UPDATE api_tokens SET revoked_at = now()
     WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())`,
    [secret.id],
  );
  return rowCount === 1 ? valid : null;
}

/** Holds from the next call on; revoking again keeps the first time. */
export async function revokeToken({ pool }: Pick<Database, 'pool'>, id: string): Promise<void> {
  await pool.query('UPDATE api_tokens SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1', [id]);
}
