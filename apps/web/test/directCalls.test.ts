import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { parseSecret } from '@/server/auth/secret';
import { revokeToken } from '@/server/auth/tokenStore';
import { openStream } from './support/openStream';
import { serverFixture } from './support/serverFixture';

const fixture = serverFixture();

async function claimCall(token: string, id: string, init: RequestInit = {}) {
  return fixture.fetch(`/api/v1/orchestrators/${id}/claim`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ requestId: 'r' }),
    token,
    ...init,
  });
}

async function place() {
  const tenant = await fixture.tenant();
  const orchestrator = await tenant.engine.createOrchestrator({ name: 'One', role: 'r', discipline: 'd' });
  return { tenant, orchestrator, token: await tenant.token() };
}

/** What the server writes on one connection to what is written to it. */
async function exchange(parts: readonly string[], enough: (text: string) => boolean): Promise<string> {
  const socket = connect(fixture.server.port, '127.0.0.1');
  onTestFinished(() => {
    socket.destroy();
  });
  let text = '';
  const answered = new Promise<string>((resolve, reject) => {
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (enough(text)) resolve(text);
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
  for (const part of parts) socket.write(part);
  return answered;
}

const headersOf = (response: Response) =>
  Object.fromEntries(
    ['x-content-type-options', 'x-frame-options', 'content-security-policy', 'referrer-policy'].map(
      (name) => [name, response.headers.get(name)],
    ),
  );

test('an answer without the router has the headers that every answer has', async () => {
  const { token, orchestrator } = await place();
  const [routed, direct, refused] = await Promise.all([
    fixture.fetch('/api/v1/orchestrators', { token }),
    claimCall(token, orchestrator.id),
    claimCall('', orchestrator.id),
  ]);
  // Next tells by it what of a page it answers; a direct answer has no pages.
  expect(routed.headers.get('vary')).not.toBeNull();
  expect(direct.headers.get('vary')).toBeNull();
  expect([direct.status, refused.status]).toEqual([200, 401]);
  expect(headersOf(direct)).toEqual(headersOf(routed));
  expect(headersOf(refused)).toEqual(headersOf(routed));
  expect(direct.headers.get('cache-control')).toBe(routed.headers.get('cache-control'));
  expect(direct.headers.get('content-type')).toBe(routed.headers.get('content-type'));
  const stream = await openStream(`${fixture.server.url}/api/v1/events`, { token });
  onTestFinished(() => stream.close());
  expect(headersOf(stream.response)).toEqual(headersOf(routed));
});

test('paths with escapes, and methods that the endpoint has not, are the router’s', async () => {
  const { token, orchestrator } = await place();
  const escaped = await claimCall(token, orchestrator.id.replace('_', '%5F'));
  expect(escaped.status).toBe(200);
  const wrong = await claimCall(token, orchestrator.id, { method: 'PUT' });
  expect(wrong.status).toBe(405);
  const nul = await claimCall(token, `${orchestrator.id}%00`);
  expect(nul.status).toBe(400);
});

test('unknown query fields are refused as by the router', async () => {
  const { token, orchestrator } = await place();
  const asked = await fixture.fetch(`/api/v1/orchestrators/${orchestrator.id}/claim?x=1`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ requestId: 'r' }),
    token,
  });
  expect(asked.status).toBe(400);
  expect(await asked.json()).toMatchObject({ code: 'INVALID_INPUT', errors: [{ path: 'query.x' }] });
});

test('a body that is too large is refused, and its connection serves the next call', async () => {
  const { token, orchestrator } = await place();
  const head = (length: string) =>
    [
      `POST /api/v1/orchestrators/${orchestrator.id}/claim HTTP/1.1`,
      `Host: 127.0.0.1:${fixture.server.port}`,
      `Authorization: Bearer ${token}`,
      'Content-Type: application/json',
      length,
      '\r\n',
    ].join('\r\n');
  const small = JSON.stringify({ requestId: 'small' });
  const chunk = `${(200_000).toString(16)}\r\n${' '.repeat(200_000)}\r\n`;
  const text = await exchange(
    [
      head('Transfer-Encoding: chunked'),
      ...Array.from({ length: 10 }, () => chunk),
      '0\r\n\r\n',
      head(`Content-Length: ${small.length}`),
      small,
    ],
    (soFar) => (soFar.match(/HTTP\/1\.1/g) ?? []).length === 2 && soFar.includes('"claims"'),
  );
  expect([...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(['413', '200']);
});

test('a caller that leaves in the middle of its body is no fault of the server’s', async () => {
  const { token, orchestrator } = await place();
  const socket = connect(fixture.server.port, '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write(
    [
      `POST /api/v1/orchestrators/${orchestrator.id}/claim HTTP/1.1`,
      `Host: 127.0.0.1:${fixture.server.port}`,
      `Authorization: Bearer ${token}`,
      'Content-Type: application/json',
      'Content-Length: 1000',
      '',
      '{"requestId":',
    ].join('\r\n'),
  );
  await new Promise((resolve) => setImmediate(resolve));
  socket.destroy();
  expect((await claimCall(token, orchestrator.id)).status).toBe(200);
  expect(fixture.server.output()).not.toContain('A call failed');
});

test('of many calls at once with a token, those after its revocation are refused', async () => {
  const { tenant, token, orchestrator } = await place();
  const burst = () => Promise.all(Array.from({ length: 40 }, () => claimCall(token, orchestrator.id)));
  expect((await burst()).map(({ status }) => status)).toEqual(Array.from({ length: 40 }, () => 200));
  const before = burst();
  const id = parseSecret(token)?.id ?? '';
  await revokeToken(fixture.test.database, id);
  const after = await burst();
  expect(after.map(({ status }) => status)).toEqual(Array.from({ length: 40 }, () => 401));
  await before;
  // Another token of the same moment is not drawn into it.
  expect((await claimCall(await tenant.token(), orchestrator.id)).status).toBe(200);
});
