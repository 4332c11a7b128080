import { credentialOf } from '@/server/auth/authenticate';
import { parseSecret } from '@/server/auth/secret';
import { clearedSessionCookie } from '@/server/auth/sessionCookie';
import { findValidToken, revokeToken } from '@/server/auth/tokenStore';
import { getRuntime } from '@/server/engine';
import { checkHead } from '@/server/http/handle';
import { isHttps } from '@/server/http/publicOrigin';
import { redirectTo } from '@/server/http/redirectTo';
import { errorResponse } from '@/server/http/respond';

/** Ends the session of the cookie; a form of the dashboard posts here. */
export async function POST(request: Request): Promise<Response> {
  try {
    checkHead(request);
    const credential = credentialOf(request.headers);
    const secret = credential?.kind === 'SESSION' ? parseSecret(credential.text) : null;
    if (secret !== null) {
      const { database } = await getRuntime();
      const session = await findValidToken(database, secret, 'SESSION');
      if (session !== null) await revokeToken(database, session.id);
    }
    const cleared = clearedSessionCookie({ secure: isHttps(request.headers) });
    return redirectTo('/signed-out?reason=signed-out', { 'set-cookie': cleared });
  } catch (error) {
    return errorResponse(error, request);
  }
}
