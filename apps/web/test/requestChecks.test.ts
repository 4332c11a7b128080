import { isNeolithError, NeolithError } from '@neolith/contracts';
import { describe, expect, test } from 'vitest';
import { parseSecret } from '@/server/auth/secret';
import { readSessionCookie } from '@/server/auth/sessionCookie';
import type { ApiRequest } from '@/server/http/apiRequest';
import { isAllowedHost } from '@/server/http/checkHost';
import { isDatabaseTrouble } from '@/server/http/databaseTrouble';
import { publicOrigin } from '@/server/http/publicOrigin';
import { readJson } from '@/server/http/readBody';
import { errorResponse } from '@/server/http/respond';
import { scanJson } from '@/server/http/scanJson';

const env = { NODE_ENV: 'test' as const, NEOLITH_ALLOWED_HOSTS: ' Work.example , other.example:8443,' };

test.each([
  'localhost',
  'LOCALHOST:3000',
  'app.localhost:3000',
  '127.0.0.1',
  '127.8.9.10:1',
  '[::1]:3000',
  'work.example',
  'work.example:8080',
  'other.example:8443',
])('the host %s is ours', (host) => {
  expect(isAllowedHost(host, env)).toBe(true);
});

test.each([
  '',
  'evil.example',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  '127.0.0.1@evil.example',
  'evil.example:3000',
  'other.example',
  'other.example:8444',
  'work.example.evil.example',
  '0.0.0.0',
  '[::2]',
  'localhost:3000:1',
  'localhost\nx',
])('the host %j is not ours', (host) => {
  expect(isAllowedHost(host, env)).toBe(false);
});

test('a request without a host is not for us', () => {
  expect(isAllowedHost(null, env)).toBe(false);
});

test('links lead to NEOLITH_PUBLIC_URL, else to where the call came in', () => {
  const headers = new Headers({ host: 'work.example', 'x-forwarded-proto': 'https, http' });
  expect(publicOrigin(headers, { NODE_ENV: 'test' })).toBe('https://work.example');
  expect(publicOrigin(new Headers({ host: 'a:1' }), { NODE_ENV: 'test' })).toBe('http://a:1');
  const set = { NODE_ENV: 'test' as const, NEOLITH_PUBLIC_URL: 'https://public.example/x' };
  expect(publicOrigin(headers, set)).toBe('https://public.example');
});

test('the session is found among other cookies, and only under its whole name', () => {
  expect(readSessionCookie('a=b; neolith_session=s; c=d')).toBe('s');
  expect(readSessionCookie('xneolith_session=s; neolith_sessionx=t')).toBeNull();
  expect(readSessionCookie(null)).toBeNull();
});

test('only text of the shape of a secret is looked up', () => {
  const id = '01a1faf1-04ec-77af-9592-98d26a8f037f';
  const text = `neo_${id}_${'a'.repeat(43)}`;
  expect(parseSecret(text)?.id).toBe(id);
  for (const wrong of [
    `${text}a`,
    text.slice(1),
    text.replace('neo_', 'NEO_'),
    `${text}\n`,
    text.replace('a1', 'zz'),
  ]) {
    expect(parseSecret(wrong)).toBeNull();
  }
});

describe('scanJson', () => {
  const refusalOf = (text: string): unknown => {
    try {
      scanJson(text);
      return null;
    } catch (error) {
      if (!(error instanceof NeolithError)) throw error;
      return error.details.errors;
    }
  };

  test.each([
    '{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}',
    '{"a":"a","b":["a","a"],"c":"{\\"c\\":1,\\"c\\":2}"}',
    '{"a\\\\":1,"a":2}',
    '{"__proto":1,"x":"__proto__","y":["__proto__"]}',
    '[1,2,{"x":[]},"]}"]',
    `${'['.repeat(64)}${']'.repeat(64)}`,
    '"text"',
    '',
    '{"a":1,"b',
    ']]]}}}',
  ])('lets %s pass', (text) => {
    expect(refusalOf(text)).toBeNull();
  });

  test.each([
    ['{"a":1,"a":2}', 'a'],
    ['{"tasks":[{},{"x":{"k":1,"k":2}}]}', 'tasks.1.x.k'],
    ['{"a":1,"\\u0061":2}', 'a'],
    ['{"a":"\\\\","a":2}', 'a'],
    ['{"a":{"__proto__":1}}', 'a.__proto__'],
    ['{"__\\u0070roto__":1}', '__proto__'],
    [`{"a":${'['.repeat(64)}`, 'a'],
  ])('refuses %s and names %s', (text, path) => {
    expect(refusalOf(text)).toMatchObject([{ path: expect.stringMatching(new RegExp(`^${path}`)) }]);
  });
});

test('a client that leaves in the middle of its body is no trouble of the database', async () => {
  let more = true;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (more) controller.enqueue(new TextEncoder().encode('{"title": "'));
      else controller.error(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }));
      more = false;
    },
  });
  const request: ApiRequest = {
    method: 'POST',
    url: 'http://localhost/',
    headers: new Headers(),
    body,
    signal: AbortSignal.timeout(60_000),
  };
  const error = await readJson(request, 1_000).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'INVALID_JSON', status: 400, cause: { code: 'ECONNRESET' } });
  expect(errorResponse(error, request).status).toBe(400);
});

describe('isDatabaseTrouble', () => {
  const withCode = (code: string, more: object = {}) => Object.assign(new Error('x'), { code, ...more });

  test.each([
    ['a refused connection', withCode('ECONNREFUSED')],
    ['several refused addresses', new AggregateError([withCode('ECONNREFUSED'), withCode('ECONNREFUSED')])],
    ['an end by the administrator', withCode('57P01')],
    ['a lost connection', withCode('08006')],
    ['too many connections', withCode('53300')],
    ['a transaction of Prisma that got no connection in time', withCode('P2028')],
    ['a socket file that is gone', withCode('ENOENT', { syscall: 'connect' })],
    ['a pool without a free connection', new Error('timeout exceeded when trying to connect')],
    ['a connection that ended', new Error('Connection terminated unexpectedly')],
    ['a cause of a cause', new Error('a', { cause: new Error('b', { cause: withCode('ECONNRESET') }) })],
    ['an adapter’s error', Object.assign(new Error('x'), { cause: { kind: 'DatabaseNotReachable' } })],
    [
      'what Prisma hides in meta',
      withCode('P2010', { meta: { driverAdapterError: { cause: { originalCode: '57P03' } } } }),
    ],
  ])('%s is', (_, error) => {
    expect(isDatabaseTrouble(error)).toBe(true);
  });

  test.each([
    ['a violated key', withCode('23505')],
    ['a file that is missing', withCode('ENOENT', { syscall: 'open' })],
    ['a mistake of ours', new TypeError('x is not a function')],
    ['text', 'ECONNREFUSED'],
    ['nothing', null],
  ])('%s is not', (_, error) => {
    expect(isDatabaseTrouble(error)).toBe(false);
  });

  test('a chain of causes without end is given up', () => {
    const error = new Error('x');
    error.cause = error;
    expect(isDatabaseTrouble(error)).toBe(false);
  });
});

test('an unknown error tells its caller only a number', async () => {
  const request = new Request('http://localhost/api/v1/tasks?secret=1', { method: 'POST' });
  const response = errorResponse(new Error('the password is hunter2'), request);
  const text = await response.text();
  expect(response.status).toBe(500);
  expect(text).not.toContain('hunter2');
  expect(text).toContain(response.headers.get('x-request-id') ?? 'none');
  expect(isNeolithError(new NeolithError('INTERNAL', 'x'))).toBe(true);
});
