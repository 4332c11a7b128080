import type { Database } from '@neolith/database';
import { parseSecret } from './secret';
import { SESSION_SECONDS } from './sessionCookie';
import { consumeToken, issueToken } from './tokenStore';

/** Uses a sign-in code up and begins a session with its scopes; null where the code is used, expired or unknown. */
export async function signIn(database: Pick<Database, 'pool'>, code: string): Promise<string | null> {
  const secret = parseSecret(code);
  const link = secret === null ? null : await consumeToken(database, secret, 'SIGN_IN');
  if (link === null) return null;
  const session = await issueToken(database, {
    workspaceId: link.workspaceId,
    kind: 'SESSION',
    name: 'Dashboard',
    scopes: link.scopes,
    lifetimeSeconds: SESSION_SECONDS,
  });
  return session.text;
}
