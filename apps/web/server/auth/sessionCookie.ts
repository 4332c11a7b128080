export const SESSION_COOKIE = 'neolith_session';
export const SESSION_SECONDS = 30 * 24 * 60 * 60;

/** The session's secret in a Cookie header; null where there is none. */
export function readSessionCookie(header: string | null): string | null {
  if (header === null) return null;
  for (const part of header.split(';')) {
    const [name, value] = part.split('=', 2);
    if (name?.trim() === SESSION_COOKIE && value !== undefined) return value.trim();
  }
  return null;
}

/** `Secure` only over https: on loopback over http a browser would drop such a cookie. */
export function sessionCookie(secret: string, options: { secure: boolean }): string {
  return write(secret, SESSION_SECONDS, options.secure);
}

export function clearedSessionCookie(options: { secure: boolean }): string {
  return write('', 0, options.secure);
}

function write(value: string, maxAgeSeconds: number, secure: boolean): string {
  const parts = [
    `${SESSION_COOKIE}=${value}`,
    'Path=/',
    `Max-Age=${maxAgeSeconds}`,
    'HttpOnly',
    'SameSite=Lax',
  ];
  return [...parts, ...(secure ? ['Secure'] : [])].join('; ');
}
