import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createClient, type NeolithClient } from '../src/index.js';

/** A server that answers with each of these in turn; null cuts the line. The last one stays. */
let answers: ({ status: number; code?: string; retryAfter?: string } | null)[] = [];
let asked: { key: string | undefined; body: string }[] = [];
let client: NeolithClient;

const server = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  asked.push({ key: request.headers['idempotency-key'] as string | undefined, body });
  const next = answers.length > 1 ? answers.shift() : answers[0];
  if (next === null || next === undefined) {
    request.socket.destroy();
    return;
  }
  const { status, code, retryAfter } = next;
  response.writeHead(status, {
    'content-type': code === undefined ? 'application/json' : 'application/problem+json',
    ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }),
  });
  const problem = { type: 'urn:x', title: 'X', status, code, detail: 'Not now' };
  response.end(
    JSON.stringify(code === undefined ? { id: 'chan_1', name: 'General', purpose: null } : problem),
  );
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  client = createClient({ baseUrl: `http://127.0.0.1:${port}`, token: 't', repeats: 3 });
});
beforeEach(() => {
  asked = [];
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const body = { name: 'General' };
const OK = { status: 201 };

test('a POST whose answer is lost is made again with the same key and body', async () => {
  answers = [null, { status: 503, code: 'DATABASE_UNAVAILABLE' }, OK];
  expect(await client.createChannel({ body })).toMatchObject({ name: 'General' });
  expect(asked).toHaveLength(3);
  expect(new Set(asked.map(({ key, body }) => `${key} ${body}`)).size).toBe(1);
  expect(asked[0]?.key).toMatch(/^[0-9a-f]{32}$/);
  await client.createChannel({ body });
  expect(asked[3]?.key).toMatch(/^[0-9a-f]{32}$/);
  expect(asked[3]?.key).not.toBe(asked[0]?.key);
});

test('a key that the caller gives is the one that is sent, also by a client that does not repeat', async () => {
  answers = [null, OK];
  await client.createChannel({ body, idempotencyKey: 'mine' });
  expect(asked.map(({ key }) => key)).toEqual(['mine', 'mine']);
});

test('a POST that has its effect once by its nature, and a GET, are repeated without a key', async () => {
  answers = [null, { status: 409, code: 'LEASE_LOST' }];
  await expect(client.renewLease({ params: { id: 'att_1' } })).rejects.toMatchObject({ code: 'LEASE_LOST' });
  answers = [null, { status: 404, code: 'TASK_NOT_FOUND' }];
  await expect(client.getTask({ params: { id: 'task_1' } })).rejects.toMatchObject({
    code: 'TASK_NOT_FOUND',
  });
  expect(asked.map(({ key }) => key)).toEqual([undefined, undefined, undefined, undefined]);
});

test('it waits as long as the server asks, gives up after so many times, and repeats no refusal', async () => {
  answers = [{ status: 429, code: 'RATE_LIMITED', retryAfter: '1' }, OK];
  const begun = performance.now();
  await client.createChannel({ body });
  expect(performance.now() - begun).toBeGreaterThanOrEqual(990);
  asked = [];
  answers = [null];
  await expect(client.createChannel({ body })).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
  expect(asked).toHaveLength(4);
  asked = [];
  answers = [{ status: 409, code: 'NAME_TAKEN' }];
  await expect(client.createChannel({ body })).rejects.toMatchObject({ code: 'NAME_TAKEN' });
  expect(asked).toHaveLength(1);
});

test('PATCH and DELETE are made once, and a caller that hangs up is not waited for', async () => {
  answers = [null];
  await expect(client.updateTask({ params: { id: 'x' }, body: {} })).rejects.toThrow();
  await expect(client.revokeToken({ params: { id: 'x' } })).rejects.toThrow();
  expect(asked).toHaveLength(2);
  const abort = new AbortController();
  const call = client.createChannel({ body, signal: abort.signal });
  await expect.poll(() => asked.length).toBe(3);
  abort.abort(new Error('Enough'));
  await expect(call).rejects.toThrow();
  expect(asked.length).toBeLessThan(6);
});
