import type { endpoints } from '@neolith/contracts';
import type { Call } from '../http/handle';
import { publicOrigin } from '../http/publicOrigin';
import { issueToken } from './tokenStore';

const LIFETIME_SECONDS = 15 * 60;

/** A link that signs one browser in, once, within 15 minutes. */
export async function createSignInLink({
  database,
  principal,
  input,
  request,
}: Call<typeof endpoints.createSignInLink>): Promise<{ url: string; expiresAt: Date }> {
  const { text, expiresAt } = await issueToken(database, {
    workspaceId: principal.workspaceId,
    kind: 'SIGN_IN',
    name: 'Sign-in link',
    scopes: [...new Set(input.body.scopes)],
    lifetimeSeconds: LIFETIME_SECONDS,
  });
  if (expiresAt === null) throw new Error('A sign-in link was stored without its end');
  return { url: `${publicOrigin(request.headers)}/sign-in?code=${text}`, expiresAt };
}
