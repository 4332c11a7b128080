import { connect } from 'node:net';
import { type Endpoint, endpoints } from '@neolith/contracts';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseSecret } from '@/server/auth/secret';
import { revokeToken } from '@/server/auth/tokenStore';
import { matchDirect } from '@/server/direct/matchDirect';
import { openStream } from './support/openStream';
import { rawRequest } from './support/rawRequest';
import { makeThings, pathOf, samplesOf } from './support/samples';
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

describe('what is refused is refused in the same words as by the router', () => {
  const NAMES = [
    ...(['claimTasks', 'completeTask', 'completeTasks', 'updateTaskProgress', 'renewLease'] as const),
    ...(['daemonHeartbeat', 'followEvents', 'followControl'] as const),
  ];
  /** Of an answer what its caller acts on; numbers and times are each answer's own. */
  async function ask(
    path: string,
    init: { method: string; headers: Record<string, string>; body?: string | Uint8Array },
  ) {
    const { status, headers, text } = await rawRequest(fixture.server.url, { ...init, path });
    const { 'content-type': type, 'www-authenticate': challenge, 'cache-control': cache, allow } = headers;
    const own = JSON.parse(text) as Record<string, unknown>;
    return {
      routed: headers.vary !== undefined,
      answer: {
        status,
        type,
        challenge,
        cache,
        allow,
        retry: headers['retry-after'],
        numbered: 'x-request-id' in headers,
        own,
      },
    };
  }

  test.each(NAMES)('%s', async (name) => {
    const endpoint: Endpoint = endpoints[name];
    const tenant = await fixture.tenant();
    const token = await tenant.token();
    const things = await makeThings(tenant.engine, 'none');
    const sample = samplesOf(things)[name];
    const path = pathOf(endpoint.path, sample.id === undefined ? {} : { id: sample.id });
    // The same place, written so that only the router makes sense of it.
    const byRouter = (to: string) => `${to}${to.includes('?') ? '' : '?'}#`;
    expect(matchDirect(endpoint.method, path)).not.toBeNull();
    expect(matchDirect(endpoint.method, byRouter(path))).toBeNull();

    const { method } = endpoint;
    const sends = method === 'POST';
    const headers = {
      authorization: `Bearer ${token}`,
      ...(sends ? { 'content-type': 'application/json' } : {}),
    };
    const body = sends ? { body: JSON.stringify(sample.body ?? {}) } : {};
    const good = { method, headers, ...body };
    const narrow = endpoint.scope === 'work' ? 'read' : 'work';
    const unknownId = sample.id?.replace(/.{12}$/, '000000000000');
    const cases: [what: string, status: number, init: Parameters<typeof ask>[1], suffix?: string][] = [
      ['no token', 401, { ...good, headers: { ...headers, authorization: '' } }],
      [
        'no such token',
        401,
        { ...good, headers: { ...headers, authorization: `Bearer ${token.slice(0, -3)}AAA` } },
      ],
      ['no token at all', 401, { ...good, headers: { ...headers, authorization: 'Bearer x' } }],
      ['another scheme', 401, { ...good, headers: { ...headers, authorization: 'Basic eDp4' } }],
      ['a foreign Host', 403, { ...good, headers: { ...headers, host: 'evil.example' } }],
      ['a foreign Origin', 403, { ...good, headers: { ...headers, origin: 'http://evil.example' } }],
      ['an unknown field in the query', 400, good, '?nothing=1'],
      ['another method', 405, { method: 'PUT', headers }],
      ['yet another method', 405, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } }],
      ['a path beneath', 404, good, '/nothing'],
    ];
    if (endpoint.scope !== 'read')
      cases.push([
        'a token of another scope',
        403,
        { ...good, headers: { ...headers, authorization: `Bearer ${await tenant.token(narrow)}` } },
      ]);
    if (sends) {
      const send = (text: string | Uint8Array) => ({ ...good, body: text });
      cases.push(
        ['no JSON', 400, send('{"requestId":')],
        ['no UTF-8', 400, send(new Uint8Array([0x22, 0xff, 0x22]))],
        ['a key twice', 400, send('{"x":1,"x":2}')],
        ['a prototype', 400, send('{"__proto__":{}}')],
        ['an unknown field', 400, send('{"nothing":1}')],
        ['no object', 400, send('[]')],
        ['too much', 413, send(' '.repeat((endpoint.maxBodyBytes ?? 1_048_576) + 1))],
        ['text', 415, { ...good, headers: { ...headers, 'content-type': 'text/plain' } }],
        [
          'a form',
          415,
          { ...good, headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' } },
        ],
      );
    }
    for (const [what, status, init, suffix = ''] of cases) {
      const [direct, routed] = [await ask(path + suffix, init), await ask(byRouter(path + suffix), init)];
      expect(routed.routed, what).toBe(true);
      expect(direct.answer, what).toEqual(routed.answer);
      expect([what, direct.answer.status]).toEqual([what, status]);
      expect(direct.answer.type, what).toBe('application/problem+json');
      if (status === 401) expect(direct.answer.challenge).toBe('Bearer');
    }
    if (unknownId !== undefined) {
      const unknown = path.replace(sample.id as string, unknownId);
      const [direct, routed] = [await ask(unknown, good), await ask(byRouter(unknown), good)];
      expect(direct.routed).toBe(false);
      expect(routed.routed).toBe(true);
      expect(direct.answer).toEqual(routed.answer);
      expect(direct.answer.status).toBeGreaterThanOrEqual(400);
      expect(direct.answer.status).toBeLessThan(500);
    }
  });
});
