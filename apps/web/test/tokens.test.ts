import { createClient } from '@neolith/contracts';
import { beforeAll, expect, test } from 'vitest';
import { parseSecret } from '@/server/auth/secret';
import { serverFixture, type Tenant } from './support/serverFixture';

const fixture = serverFixture();
let tenant: Tenant;

beforeAll(async () => {
  tenant = await fixture.tenant();
});

const ask = (token: string) => fixture.fetch('/api/v1/workspace', { token });

test('a token is shown once, works, and is stored only as a hash', async () => {
  const client = await tenant.client();
  const { token, secret } = await client.createToken({ body: { name: 'CI', scopes: ['read'] } });
  expect((await ask(secret)).status).toBe(200);
  const { tokens } = await client.listTokens();
  expect(tokens.find(({ id }) => id === token.id)).toMatchObject({
    name: 'CI',
    scopes: ['read'],
    revokedAt: null,
  });
  expect(JSON.stringify(tokens)).not.toContain(secret.slice(-43));
  const { rows } = await fixture.test.database.pool.query('SELECT t::text AS row FROM api_tokens t');
  expect(JSON.stringify(rows)).not.toContain(secret.slice(-43));
});

test('revoking a token holds from the next call on', async () => {
  const client = await tenant.client();
  const { token, secret } = await client.createToken({ body: { name: 'CI', scopes: ['read'] } });
  expect((await ask(secret)).status).toBe(200);
  const revoked = await client.revokeToken({ params: { id: token.id } });
  expect(revoked.revokedAt).toBeInstanceOf(Date);
  expect((await ask(secret)).status).toBe(401);
  const again = await client.revokeToken({ params: { id: token.id } });
  expect(again.revokedAt).toEqual(revoked.revokedAt);
});

test('an expired token is refused', async () => {
  const token = await tenant.token('read');
  await fixture.test.database.pool.query('UPDATE api_tokens SET expires_at = now() WHERE id = $1', [
    parseSecret(token)?.id,
  ]);
  expect((await ask(token)).status).toBe(401);
});

test('whatever else stands in Authorization is refused without telling why', async () => {
  const token = await tenant.token('read');
  const other = await tenant.token('read');
  const wrong = [
    '',
    'Bearer',
    'Bearer ',
    `Basic ${Buffer.from(`x:${token}`).toString('base64')}`,
    `Bearer ${token.slice(0, -1)}`,
    `Bearer ${token}x`,
    `Bearer ${token.slice(0, 41)}${other.slice(41)}`,
    `Bearer ${token.toUpperCase()}`,
    `Bearer ${token} ${token}`,
    `Bearer ' OR 1=1 --`,
    `Bearer ${'A'.repeat(8_000)}`,
  ];
  const answers = new Set<string>();
  for (const authorization of wrong) {
    const response = await fixture.fetch('/api/v1/workspace', { headers: { authorization } });
    expect([authorization, response.status]).toEqual([authorization, 401]);
    answers.add(await response.text());
  }
  expect(answers.size).toBe(1);
});

test('the last use is written once a minute, not on every call', async () => {
  const token = await tenant.token('read');
  const id = parseSecret(token)?.id;
  const lastUsed = async () => {
    const row = await fixture.test.database.prisma.apiToken.findUniqueOrThrow({ where: { id: id ?? '' } });
    return row.lastUsedAt;
  };
  expect(await lastUsed()).toBeNull();
  await Promise.all(Array.from({ length: 8 }, () => ask(token)));
  const first = await lastUsed();
  expect(first).not.toBeNull();
  await ask(token);
  expect(await lastUsed()).toEqual(first);
  await fixture.test.database.pool.query(
    `UPDATE api_tokens SET last_used_at = now() - interval '61 seconds' WHERE id = $1`,
    [id],
  );
  await ask(token);
  expect((await lastUsed())?.getTime()).toBeGreaterThanOrEqual(first?.getTime() ?? 0);
});

test('a token of scope admin may do everything', async () => {
  const client = createClient({ baseUrl: fixture.server.url, token: await tenant.token('admin') });
  expect((await client.listOrchestrators()).orchestrators).toEqual([]);
  expect(await client.createChannel({ body: { name: 'General' } })).toMatchObject({ name: 'General' });
});
