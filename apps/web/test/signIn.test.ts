import { createClient } from '@neolith/contracts';
import { beforeAll, expect, test } from 'vitest';
import { parseSecret } from '@/server/auth/secret';
import { rawRequest } from './support/rawRequest';
import { serverFixture, type Tenant } from './support/serverFixture';

const fixture = serverFixture();
let tenant: Tenant;

beforeAll(async () => {
  tenant = await fixture.tenant();
});

async function link(): Promise<URL> {
  const client = createClient({ baseUrl: fixture.server.url, token: await tenant.token() });
  const { url, expiresAt } = await client.createSignInLink({ body: {} });
  const minutes = (expiresAt.getTime() - Date.now()) / 60_000;
  expect(minutes).toBeGreaterThan(14);
  expect(minutes).toBeLessThanOrEqual(15.1);
  return new URL(url);
}

async function open(url: URL, headers: Record<string, string> = {}): Promise<Response> {
  return fixture.fetch(`${url.pathname}${url.search}`, { headers });
}

async function session(): Promise<string> {
  const response = await open(await link());
  return response.headers.get('set-cookie')?.split(';')[0] ?? '';
}

test('a link signs one browser in, once', async () => {
  const url = await link();
  expect(url.origin).toBe(fixture.server.url);
  const answers = await Promise.all([1, 2, 3, 4].map(() => open(url)));
  const places = answers.map((response) => response.headers.get('location'));
  expect(places.sort()).toEqual(['/', ...Array(3).fill('/signed-out?reason=link-used')]);
  const cookie = answers
    .map((response) => response.headers.get('set-cookie'))
    .find((value) => value !== null);
  expect(cookie).toMatch(/^neolith_session=neo_\S+; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Lax$/);
});

test('over https the cookie is for https only', async () => {
  const response = await open(await link(), { 'x-forwarded-proto': 'https' });
  expect(response.headers.get('set-cookie')).toMatch(/; Secure$/);
});

test('a browser that only prefetches the link does not use it up', async () => {
  const url = await link();
  const guess = await open(url, { 'sec-purpose': 'prefetch;prerender' });
  expect(guess.headers.get('set-cookie')).toBeNull();
  expect((await open(url)).headers.get('location')).toBe('/');
});

test('an expired link, and text that is none, lead to a page that says how to get a new one', async () => {
  const url = await link();
  const id = parseSecret(url.searchParams.get('code') ?? '')?.id;
  await fixture.test.database.pool.query(
    `UPDATE api_tokens SET expires_at = now() - interval '1 second' WHERE id = $1`,
    [id],
  );
  for (const code of [url.searchParams.get('code'), 'x', '', `neo_${id}_${'A'.repeat(43)}`]) {
    const response = await fixture.fetch(`/sign-in?code=${code}`);
    expect(response.headers.get('set-cookie')).toBeNull();
    const page = await fixture.fetch(response.headers.get('location') ?? '');
    expect(await page.text()).toContain('npx neolith sign-in');
  }
});

test('the cookie opens the API to pages of this origin, and to no other', async () => {
  const cookie = await session();
  const { url } = fixture.server;
  const ask = (method: string, headers: Record<string, string>) =>
    rawRequest(`${url}/api/v1/${method === 'GET' ? 'workspace' : 'channels'}`, {
      method,
      headers: { cookie, ...(method === 'POST' ? { 'content-type': 'application/json' } : {}), ...headers },
      ...(method === 'POST' ? { body: JSON.stringify({ name: `c${Math.random()}` }) } : {}),
    });
  expect((await ask('GET', {})).status).toBe(200);
  expect((await ask('GET', { 'sec-fetch-site': 'same-origin' })).status).toBe(200);
  expect((await ask('POST', { origin: url })).status).toBe(201);
  expect((await ask('POST', { 'sec-fetch-site': 'same-origin' })).status).toBe(201);

  const refused = [
    await ask('POST', {}),
    await ask('POST', { origin: 'http://evil.example' }),
    await ask('POST', { origin: 'null' }),
    await ask('POST', { 'sec-fetch-site': 'cross-site' }),
    await ask('GET', { 'sec-fetch-site': 'cross-site' }),
    await ask('GET', { 'sec-fetch-site': 'same-site' }),
  ];
  for (const answer of refused) {
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.text).code).toBe('ORIGIN_NOT_ALLOWED');
  }
});

test('a session is no bearer token, a token no session, and a sign-in code neither', async () => {
  const cookie = await session();
  const secret = cookie.replace('neolith_session=', '');
  const code = (await link()).searchParams.get('code') ?? '';
  for (const token of [secret, code]) {
    expect((await fixture.fetch('/api/v1/workspace', { token })).status).toBe(401);
  }
  for (const text of [await tenant.token(), code]) {
    const response = await fixture.fetch('/api/v1/workspace', {
      headers: { cookie: `neolith_session=${text}` },
    });
    expect(response.status).toBe(401);
  }
});

test('signing out ends the session at once', async () => {
  const cookie = await session();
  const { url } = fixture.server;
  const foreign = await rawRequest(`${url}/sign-out`, {
    method: 'POST',
    headers: { cookie, origin: 'http://evil.example' },
  });
  expect(foreign.status).toBe(403);
  const answer = await rawRequest(`${url}/sign-out`, { method: 'POST', headers: { cookie, origin: url } });
  expect(answer.status).toBe(303);
  expect(String(answer.headers['set-cookie'])).toContain('Max-Age=0');
  expect((await fixture.fetch('/api/v1/workspace', { headers: { cookie } })).status).toBe(401);
});
