import { NeolithError } from '@neolith/contracts';

const LOOPBACK = /^(localhost|(\w[\w-]*\.)*localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;

/** `NEOLITH_ALLOWED_HOSTS`: names separated by commas, each with or without a port. */
function allowedHosts(env: NodeJS.ProcessEnv): string[] {
  return (env.NEOLITH_ALLOWED_HOSTS ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
}

export function isAllowedHost(host: string | null, env: NodeJS.ProcessEnv = process.env): boolean {
  if (host === null) return false;
  if (LOOPBACK.test(host)) return true;
  const name = host.toLowerCase();
  const withoutPort = name.replace(/:\d{1,5}$/, '');
  return allowedHosts(env).some((allowed) => allowed === name || allowed === withoutPort);
}

/**
 * Refuses a Host that is not ours. A page of a hostile site can make its own name lead to 127.0.0.1 (DNS
 * rebinding), and then speaks to this server as its same origin; the name in Host is what gives it away.
 *
 * @throws NeolithError `HOST_NOT_ALLOWED`
 */
export function checkHost(headers: Pick<Headers, 'get'>): void {
  const host = headers.get('host');
  if (isAllowedHost(host)) return;
  throw new NeolithError(
    'HOST_NOT_ALLOWED',
    'This server does not answer to that host name; add it to NEOLITH_ALLOWED_HOSTS if it is yours.',
  );
}
