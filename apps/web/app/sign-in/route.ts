import { sessionCookie } from '@/server/auth/sessionCookie';
import { signIn } from '@/server/auth/signIn';
import { getRuntime } from '@/server/engine';
import { checkHost } from '@/server/http/checkHost';
import { isHttps } from '@/server/http/publicOrigin';
import { redirectTo } from '@/server/http/redirectTo';
import { errorResponse } from '@/server/http/respond';

export async function GET(request: Request): Promise<Response> {
  try {
    checkHost(request.headers);
    // A browser that only guesses that its user will go there must not use the link up.
    if (request.headers.get('sec-purpose')?.includes('prefetch')) {
      return new Response(null, { status: 503, headers: { 'cache-control': 'no-store' } });
    }
    const code = new URL(request.url).searchParams.get('code') ?? '';
    const { database } = await getRuntime();
    const session = await signIn(database, code);
    if (session === null) return redirectTo('/signed-out?reason=link-used');
    return redirectTo('/', { 'set-cookie': sessionCookie(session, { secure: isHttps(request.headers) }) });
  } catch (error) {
    return errorResponse(error, request);
  }
}
