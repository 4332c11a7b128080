import { NeolithError } from '@neolith/contracts';
import { credentialOf } from '../auth/authenticate';
import type { ApiRequest } from './apiRequest';

function isSameOrigin(origin: string, host: string | null): boolean {
  try {
    // By host alone: behind a proxy that ends TLS the scheme seen here is not the one of the page.
    return new URL(origin).host === host?.toLowerCase();
  } catch {
    // `null`, which sandboxed frames and local files send, is no URL and nobody's origin.
    return false;
  }
}

/**
 * Refuses calls that another site's page makes. A page's cross-site call is told by its Origin; where a browser sends
 * none, as on some reads, by Sec-Fetch-Site. A call that changes something and is authorised by the cookie must show
 * one of the two, because the cookie comes along whoever made the call.
 *
 * @throws NeolithError `ORIGIN_NOT_ALLOWED`
 */
export function checkOrigin(request: Pick<ApiRequest, 'method' | 'headers'>): void {
  const { headers, method } = request;
  const refuse = () => {
    throw new NeolithError('ORIGIN_NOT_ALLOWED', 'Calls from pages of another origin are refused.');
  };
  const origin = headers.get('origin');
  if (origin !== null) {
    if (!isSameOrigin(origin, headers.get('host'))) refuse();
    return;
  }
  if (credentialOf(headers)?.kind !== 'SESSION') return;
  const site = headers.get('sec-fetch-site');
  const harmless = method === 'GET' || method === 'HEAD';
  if (site === 'same-origin' || (harmless && (site === null || site === 'none'))) return;
  refuse();
}
