/** Whether the browser speaks https with us or with the proxy in front of us. */
export function isHttps(headers: Pick<Headers, 'get'>, env: NodeJS.ProcessEnv = process.env): boolean {
  if (env.NEOLITH_PUBLIC_URL) return env.NEOLITH_PUBLIC_URL.startsWith('https:');
  return headers.get('x-forwarded-proto')?.split(',')[0]?.trim() === 'https';
}

/**
 * Under which origin people reach this server: `NEOLITH_PUBLIC_URL`, else what the call itself used. Its Host has
 * passed the allow-list by then.
 */
export function publicOrigin(headers: Pick<Headers, 'get'>, env: NodeJS.ProcessEnv = process.env): string {
  if (env.NEOLITH_PUBLIC_URL) return new URL(env.NEOLITH_PUBLIC_URL).origin;
  return `${isHttps(headers, env) ? 'https' : 'http'}://${headers.get('host') ?? 'localhost'}`;
}
