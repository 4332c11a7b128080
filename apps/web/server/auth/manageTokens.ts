import {
  type endpoints,
  formatId,
  NeolithError,
  parseId,
  type Token,
  type TokenScope,
} from '@neolith/contracts';
import type { ApiToken } from '@neolith/database';
import type { Call } from '../http/handle';
import { issueToken, revokeToken } from './tokenStore';

const SECONDS_A_DAY = 86_400;

function toToken(row: ApiToken): Token {
  const { name, createdAt, expiresAt, lastUsedAt, revokedAt } = row;
  const id = formatId('token', row.id);
  return { id, name, scopes: row.scopes as TokenScope[], createdAt, expiresAt, lastUsedAt, revokedAt };
}

/** The workspace's access tokens, newest first; sign-in links and sessions are not among them. */
export async function listTokens({ database, principal }: Call<typeof endpoints.listTokens>) {
  const rows = await database.prisma.apiToken.findMany({
    where: { workspaceId: principal.workspaceId, kind: 'ACCESS' },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
  });
  return { tokens: rows.map(toToken) };
}

export async function createToken({ database, principal, input }: Call<typeof endpoints.createToken>) {
  const { name, scopes, expiresInDays } = input.body;
  const issued = await issueToken(database, {
    workspaceId: principal.workspaceId,
    kind: 'ACCESS',
    name,
    scopes: [...new Set(scopes)],
    lifetimeSeconds: expiresInDays === null ? null : expiresInDays * SECONDS_A_DAY,
  });
  const row = await database.prisma.apiToken.findUniqueOrThrow({ where: { id: issued.id } });
  return { token: toToken(row), secret: issued.text };
}

/** @throws NeolithError `TOKEN_NOT_FOUND` */
export async function revokeAccessToken({ database, principal, input }: Call<typeof endpoints.revokeToken>) {
  const id = parseId('token', input.params.id);
  const where = { workspaceId: principal.workspaceId, kind: 'ACCESS' as const };
  const known = id === null ? null : await database.prisma.apiToken.findFirst({ where: { ...where, id } });
  if (known === null) throw new NeolithError('TOKEN_NOT_FOUND', `Token not found: ${input.params.id}`);
  await revokeToken(database, known.id);
  return toToken(await database.prisma.apiToken.findUniqueOrThrow({ where: { id: known.id } }));
}
