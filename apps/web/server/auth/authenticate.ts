import { allowsScope, formatId, NeolithError, type TokenScope } from '@neolith/contracts';
import type { Database } from '@neolith/database';
import { parseSecret } from './secret';
import { readSessionCookie } from './sessionCookie';
import { findValidToken } from './tokenStore';

/** Who calls, for which workspace, and what they may do. */
export interface Principal {
  /** Bare UUIDs. */
  tokenId: string;
  workspaceId: string;
  scopes: readonly TokenScope[];
  /** As events name them: `token:tok_…` or `session:tok_…`. */
  actor: string;
}

export type Credential = { kind: 'ACCESS' | 'SESSION'; text: string };

/** What a request shows: its bearer token, else the dashboard's cookie, else null. */
export function credentialOf(headers: Pick<Headers, 'get'>): Credential | null {
  const authorization = headers.get('authorization');
  if (authorization !== null) {
    const bearer = /^bearer +(\S+) *$/i.exec(authorization)?.[1];
    return { kind: 'ACCESS', text: bearer ?? '' };
  }
  const cookie = readSessionCookie(headers.get('cookie'));
  return cookie === null ? null : { kind: 'SESSION', text: cookie };
}

/**
 * @param options.vital asks by the pool that no other calls can fill
 * @throws NeolithError `UNAUTHENTICATED`: one answer for absent, unknown, expired and revoked alike.
 */
export async function authenticate(
  { pool, vitalPool }: Pick<Database, 'pool' | 'vitalPool'>,
  credential: Credential | null,
  options: { vital?: boolean } = {},
): Promise<Principal> {
  const database = { pool: options.vital === true ? vitalPool : pool };
  const secret = credential === null ? null : parseSecret(credential.text);
  const token =
    credential === null || secret === null ? null : await findValidToken(database, secret, credential.kind);
  if (credential === null || token === null) {
    throw new NeolithError(
      'UNAUTHENTICATED',
      credential === null
        ? 'A token is needed: send `Authorization: Bearer …` (the token of this machine lies in the file `token` of the Neolith home), or sign in.'
        : 'The token is unknown, expired or revoked; use another one, or sign in again.',
    );
  }
  const by = credential.kind === 'SESSION' ? 'session' : 'token';
  return {
    tokenId: token.id,
    workspaceId: token.workspaceId,
    scopes: token.scopes,
    actor: `${by}:${formatId('token', token.id)}`,
  };
}

/** `admin` implies every scope. @throws NeolithError `FORBIDDEN` */
export function requireScope(principal: Principal, scope: TokenScope): void {
  if (allowsScope(principal.scopes, scope)) return;
  throw new NeolithError(
    'FORBIDDEN',
    `This needs the scope "${scope}"; the token has ${principal.scopes.map((own) => `"${own}"`).join(', ') || 'none'}.`,
    { details: { scope } },
  );
}
