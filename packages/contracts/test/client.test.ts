import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient, type NeolithClient, NeolithError } from '../src/index.js';

/** A server that answers as each test says, and keeps what it was asked. */
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let asked: {
  method?: string | undefined;
  url?: string | undefined;
  headers: IncomingMessage['headers'];
  body: string;
};
let baseUrl: string;
let client: NeolithClient;

const server = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  asked = { method: request.method, url: request.url, headers: request.headers, body };
  answer(request, response);
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = createClient({ baseUrl: `${baseUrl}//`, token: 'secret' });
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function answers(status: number, body: unknown, type = 'application/json'): void {
  answer = (_, response) => {
    response.writeHead(status, { 'content-type': type });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

async function refusal(call: Promise<unknown>): Promise<NeolithError> {
  const outcome = await call.then(
    () => null,
    (error: unknown) => error,
  );
  if (outcome instanceof NeolithError) return outcome;
  throw new Error('No NeolithError', { cause: outcome });
}

test('parameters, lists and dates are written into the address, what is left out is not', async () => {
  answers(204, '');
  const next = await client.getNextTask({
    params: { id: 'a/b ?' },
    query: { requireTags: 'x,y', minPriority: 'LOW', excludeTags: undefined },
  });
  expect(next).toBeNull();
  expect(asked.method).toBe('GET');
  expect(asked.url).toBe('/api/v1/orchestrators/a%2Fb%20%3F/next-task?requireTags=x%2Cy&minPriority=LOW');
  expect(asked.headers).toMatchObject({ authorization: 'Bearer secret', accept: 'application/json' });
  expect(asked.headers['content-type']).toBeUndefined();
});

test('a body is sent as JSON, and an endpoint without one gets an empty object', async () => {
  answers(200, { id: 'chan_1', name: 'x', purpose: null });
  await client.createChannel({ body: { name: 'x' } });
  expect(asked).toMatchObject({ method: 'POST', body: '{"name":"x"}' });
  expect(asked.headers['content-type']).toBe('application/json');
  // The answer is no task; what counts here is the question.
  await expect(client.retryTask({ params: { id: 'task_1' } })).rejects.toThrow();
  expect(asked).toMatchObject({ method: 'POST', url: '/api/v1/tasks/task_1/retry', body: '{}' });
});

test('dates come back as dates', async () => {
  answers(201, { url: 'http://x/', expiresAt: '2026-01-01T00:00:00.000Z' });
  const link = await client.createSignInLink({ body: {} });
  expect(link.expiresAt).toEqual(new Date('2026-01-01T00:00:00Z'));
});

test('problem details become an error with their code, message and details', async () => {
  const problem = {
    type: 'urn:x',
    title: 'Dependency cycle',
    status: 409,
    code: 'DEPENDENCY_CYCLE',
    detail: 'a → b → a',
    errors: [{ path: 'dependsOn', message: 'makes a cycle' }],
    details: { path: ['a', 'b', 'a'] },
  };
  answers(409, problem, 'application/problem+json');
  const error = await refusal(client.getOverview());
  expect(error).toMatchObject({ code: 'DEPENDENCY_CYCLE', message: 'a → b → a', status: 409 });
  expect(error.details).toEqual({ path: ['a', 'b', 'a'], errors: problem.errors });
});

test.each([
  [502, 'SERVER_UNREACHABLE'],
  [404, 'INVALID_INPUT'],
  // Of a proxy: later, please.
  [429, 'RATE_LIMITED'],
])('an answer %i that is none of ours says so', async (status, code) => {
  answers(status, '<html>Bad gateway</html>', 'text/html');
  const error = await refusal(client.getOverview());
  expect(error.code).toBe(code);
  expect(error.message).toContain('is it a Neolith server?');
  expect(error.message).not.toContain('secret');
});

test('an answer that breaks off is no answer', async () => {
  answer = (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
    response.write('{"url":');
    response.destroy();
  };
  expect((await refusal(client.createSignInLink({ body: {} }))).code).toBe('SERVER_UNREACHABLE');
});

test('nobody there', async () => {
  const lonely = createClient({ baseUrl: 'http://127.0.0.1:1', token: 'secret' });
  const error = await refusal(lonely.getOverview());
  expect(error.code).toBe('SERVER_UNREACHABLE');
  expect(error.message).toContain('http://127.0.0.1:1/api/v1/overview');
  expect(error.cause).toBeDefined();
});

test('a server that keeps silent is given up, later where it was asked to wait', async () => {
  answer = () => undefined;
  const begun = performance.now();
  const hasty = createClient({ baseUrl, token: 'secret', timeoutMs: 50 });
  expect((await refusal(hasty.getOverview())).code).toBe('SERVER_UNREACHABLE');
  const short = performance.now() - begun;
  const body = { requestId: 'x', waitSeconds: 0.4 };
  expect((await refusal(hasty.claimTasks({ params: { id: 'x' }, body }))).code).toBe('SERVER_UNREACHABLE');
  expect(performance.now() - begun - short).toBeGreaterThanOrEqual(440);
  expect(short).toBeLessThan(440);
  const asking = performance.now();
  const query = { waitSeconds: 1 };
  expect((await refusal(hasty.readAttemptLog({ params: { id: 'x' }, query }))).code).toBe(
    'SERVER_UNREACHABLE',
  );
  expect(performance.now() - asking).toBeGreaterThanOrEqual(1_040);
});

test('a call that the caller gives up ends with the caller’s own reason', async () => {
  answer = () => undefined;
  const abort = new AbortController();
  const call = client.getOverview({ signal: abort.signal });
  abort.abort(new Error('enough'));
  await expect(call).rejects.toThrow('enough');
});

test('a stream is opened after the last event that was seen', async () => {
  answers(200, ': hello\n\n', 'text/event-stream');
  const response = await client.open('followEvents', { query: { cursor: 'a.1.1' }, lastEventId: 'a.2.2' });
  expect(await response.text()).toBe(': hello\n\n');
  expect(asked.url).toBe('/api/v1/events?cursor=a.1.1');
  expect(asked.headers).toMatchObject({ 'last-event-id': 'a.2.2', accept: 'text/event-stream' });
});

test('an answer that is not what the table says is refused', async () => {
  answers(200, { orchestrators: 'none' });
  await expect(client.listOrchestrators()).rejects.toThrow();
});
