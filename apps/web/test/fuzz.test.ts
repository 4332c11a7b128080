import { type Endpoint, type EndpointName, endpoints, problemSchema } from '@neolith/contracts';
import fc from 'fast-check';
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { parseSecret } from '@/server/auth/secret';
import { arbitraryOfSchema, fieldsOfSchema } from './support/arbitraryOfSchema';
import { HOSTILE_TEXTS, HOSTILE_VALUES } from './support/hostileValues';
import { makeThings, pathOf, type Sample, samplesOf } from './support/samples';
import { serverFixture } from './support/serverFixture';

// On a machine that has other things to do, too.
vi.setConfig({ testTimeout: 300_000 });

const fixture = serverFixture();
const table = Object.entries<Endpoint>(endpoints) as [EndpointName, Endpoint][];
const counts = { accepted: 0, refused: 0 };

/** `NEOLITH_TEST_FUZZ=whole`: every value for every field, which takes minutes. Otherwise each field gets its share of them. */
const whole = process.env.NEOLITH_TEST_FUZZ === 'whole';
const SHARE = whole ? 1 : 6;
const GENERATED = whole ? 60 : 8;
/** How often new things are made for an endpoint where the state stood in the way: making them is what takes longest. */
const FRESH = whole ? Number.POSITIVE_INFINITY : 2;

/** How many rows there are of what a caller can make, and how many events the caller caused. */
async function stored(actor: string): Promise<unknown> {
  const tables = [
    'orchestrators',
    'users',
    'tasks',
    'task_dependencies',
    'daemons',
    'channels',
    'workspaces',
    'api_tokens',
    'claim_requests',
    'runs',
    'attempt_logs',
    'attempt_log_chunks',
  ];
  const parts = tables.map((name) => `(SELECT count(*) FROM ${name}) AS ${name}`);
  const { rows } = await fixture.test.database.pool.query({
    name: 'stored',
    text: `SELECT ${parts.join(', ')}, (SELECT count(*) FROM events WHERE actor = $1) AS events`,
    values: [actor],
  });
  return rows[0];
}

interface Caller {
  token: string;
  actor: string;
  samples: Record<EndpointName, Sample>;
}

async function makeCaller(): Promise<Caller> {
  const tenant = await fixture.tenant();
  const [token, doomed] = [await tenant.token(), await tenant.token('read')];
  const things = await makeThings(tenant.engine, `tok_${parseSecret(doomed)?.id}`);
  return { token, actor: `token:tok_${parseSecret(token)?.id}`, samples: samplesOf(things) };
}

let before: unknown;

/** Makes a call and checks what holds of every answer; answers its problem where it was refused. */
async function call(endpoint: Endpoint, caller: Caller, sample: Sample) {
  const sends = endpoint.method === 'POST' || endpoint.method === 'PATCH';
  const response = await fixture.fetch(pathOf(endpoint.path, sample), {
    method: endpoint.method,
    token: caller.token,
    headers: sends ? { 'content-type': 'application/json' } : {},
    ...(sends ? { body: JSON.stringify(sample.body ?? {}) } : {}),
  });
  const now = response.ok || response.status >= 500 ? null : await stored(caller.actor);
  if (response.ok) {
    counts.accepted += 1;
    if (endpoint.stream === true) await response.body?.cancel();
    else if (response.status !== 204 && endpoint.response !== undefined)
      z.parse(endpoint.response, await response.json());
    before = await stored(caller.actor);
    return null;
  }
  counts.refused += 1;
  const text = await response.text();
  expect(response.status, text).toBeLessThan(500);
  expect(now).toEqual(before);
  return problemSchema.parse(JSON.parse(text));
}

function replaced(value: unknown, path: string[], hostile: unknown): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return hostile;
  if (Array.isArray(value)) return [replaced(value[0], rest, hostile), ...value.slice(1)];
  const object = (value ?? {}) as Record<string, unknown>;
  return name === '0' && value === undefined
    ? [replaced(undefined, rest, hostile)]
    : { ...object, [name]: replaced(object[name], rest, hostile) };
}

beforeAll(async () => {
  const { rows } = await fixture.test.database.pool.query('SELECT current_database() AS name');
  expect(rows[0].name).toContain('test');
  current = await makeCaller();
});
// Also where the test before was given up in the middle of a call.
beforeEach(async () => {
  before = await stored(current.actor);
});

/**
 * The call with the body that `change` makes of the sample's. Where the state stood in its way (the name was taken, the
 * attempt over) it is made again about new things, so that each value gets as far as it can.
 */
async function callWith(name: EndpointName, change: (body: unknown) => unknown) {
  const endpoint: Endpoint = endpoints[name];
  const make = (caller: Caller) => {
    const sample = caller.samples[name];
    return call(endpoint, caller, { ...sample, body: change(sample.body) as Record<string, unknown> });
  };
  const problem = await make(current);
  const made = madeFor.get(name) ?? 0;
  if (problem?.status !== 409 || made >= FRESH) return problem;
  madeFor.set(name, made + 1);
  current = await makeCaller();
  before = await stored(current.actor);
  return make(current);
}

/** Who calls: the same for all endpoints, until what it has stands in the way. */
let current: Caller;
const madeFor = new Map<EndpointName, number>();
const withBody = table.filter(([, endpoint]) => endpoint.body !== undefined);
const withAddress = table.filter(([, { query, path }]) => query !== undefined || path.includes('{'));

describe.each(withBody)('%s', (name, endpoint) => {
  const schema = endpoint.body as z.ZodType;

  test('a hostile value in any field of the body is never a 500, and stores nothing when refused', async () => {
    for (const [field, path] of fieldsOfSchema(schema).entries()) {
      for (const hostile of HOSTILE_VALUES.filter((_, value) => value % SHARE === field % SHARE)) {
        if (path.at(-1) === 'waitSeconds' && hostile === 0.5) continue;
        const problem = await callWith(name, (body) => replaced(body, path, hostile));
        if (problem?.code !== 'INVALID_INPUT') continue;
        const named = (problem.errors ?? []).map((error) => error.path);
        const top = path[0] as string;
        expect(
          named.some((one) => one === top || one.startsWith(`${top}.`)),
          `${path.join('.')}: ${JSON.stringify(problem)}`,
        ).toBe(true);
      }
    }
  });

  test('what its schema generates is never a 500, and stores nothing when refused', async () => {
    const bodies = fc.sample(arbitraryOfSchema(schema), { numRuns: GENERATED, seed: 20_261_120 });
    for (const [run, generated] of bodies.entries()) {
      await callWith(name, () => generated);
      // The sample with every other field from there: a body that is wrong everywhere stops at the first check.
      if (typeof generated !== 'object' || generated === null) continue;
      const some = Object.entries(generated).filter((_, field) => (run + field) % 3 === 0);
      await callWith(name, (body) => ({ ...(body as object), ...Object.fromEntries(some) }));
    }
  });
});

describe.each(withAddress)('%s', (name, endpoint) => {
  test('hostile text in the address is never a 500', async () => {
    const caller = current;
    const own = caller.samples[name];
    const { query } = endpoint;
    const fields = query === undefined ? [] : fieldsOfSchema(query).map(([field]) => field as string);
    for (const [text, hostile] of HOSTILE_TEXTS.entries()) {
      for (const field of [...fields, 'unknown'].filter((_, index) => index % SHARE === text % SHARE)) {
        if (endpoint.stream === true && hostile === '') continue;
        const changed = { ...own.query, [field]: hostile };
        await call(endpoint, caller, { ...own, query: changed });
      }
      if (!endpoint.path.includes('{') || hostile === '' || hostile.startsWith('..')) continue;
      expect(await call(endpoint, caller, { ...own, id: hostile })).not.toBeNull();
    }
  });
});

describe('bodies that are no input at all', () => {
  const json = { 'content-type': 'application/json' };
  const long = (bytes: number) => `{"tasks":[{"title":"${'x'.repeat(bytes)}"}]}`;
  const cases: [string, number, string, RequestInit['body'], Record<string, string>][] = [
    ['no JSON', 400, 'INVALID_JSON', '{"tasks":', json],
    ['nothing', 400, 'INVALID_INPUT', '', json],
    ['a list', 400, 'INVALID_INPUT', '[]', json],
    [
      'a number too large for a double',
      400,
      'INVALID_INPUT',
      '{"tasks":[{"title":"x","maxAttempts":1e999}]}',
      json,
    ],
    ['a key twice', 400, 'INVALID_JSON', '{"tasks":[{"title":"x","ti\\u0074le":"y"}]}', json],
    [
      '__proto__',
      400,
      'INVALID_JSON',
      '{"tasks":[{"title":"x","metadata":{"a":{"__proto__":{"b":1}}}}]}',
      json,
    ],
    [
      '__proto__, disguised',
      400,
      'INVALID_JSON',
      '{"\\u005f_proto__":{"b":1},"tasks":[{"title":"x"}]}',
      json,
    ],
    ['a thousand levels', 400, 'INVALID_JSON', `{"tasks":${'['.repeat(1_000)}${']'.repeat(1_000)}}`, json],
    ['a million levels that never end', 400, 'INVALID_JSON', '['.repeat(1_000_000), json],
    ['no UTF-8', 400, 'INVALID_JSON', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), json],
    ['10 MB and a byte', 413, 'PAYLOAD_TOO_LARGE', long(10_485_760), json],
    ['a title of 5 MB', 400, 'INVALID_INPUT', long(5_000_000), json],
    [
      'a form',
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      'tasks=x',
      { 'content-type': 'application/x-www-form-urlencoded' },
    ],
    [
      'plain text',
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      '{"tasks":[{"title":"x"}]}',
      { 'content-type': 'text/plain' },
    ],
    ['JSON by another name', 415, 'UNSUPPORTED_MEDIA_TYPE', '{}', { 'content-type': 'application/jsonp' }],
  ];

  test.each(cases)(
    '%s is refused, names what is wrong and stores nothing',
    async (_, status, code, body, headers) => {
      const tenant = await fixture.tenant();
      const token = await tenant.token('write');
      const response = await fixture.fetch('/api/v1/tasks', {
        method: 'POST',
        token,
        headers,
        body: body ?? null,
      });
      const problem = problemSchema.parse(await response.json());
      expect([response.status, problem.code]).toEqual([status, code]);
      expect((await tenant.engine.listTasks()).tasks).toEqual([]);
    },
  );

  test('a body sent in chunks is counted, not believed', async () => {
    const tenant = await fixture.tenant();
    const chunk = new Uint8Array(65_536).fill(0x20);
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += chunk.length;
        if (sent > 4_000_000) controller.close();
        else controller.enqueue(chunk);
      },
    });
    const response = await fixture.fetch('/api/v1/channels', {
      method: 'POST',
      token: await tenant.token('write'),
      headers: json,
      body,
      duplex: 'half',
    } as RequestInit);
    expect(response.status).toBe(413);
  });

  test('a form post without a body is refused too', async () => {
    const tenant = await fixture.tenant();
    const response = await fixture.fetch('/api/v1/tasks/x/retry', {
      method: 'POST',
      token: await tenant.token('write'),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(response.status).toBe(415);
  });
});

test('the fuzz above reached behind the checks, and was refused by them', () => {
  expect(counts.accepted).toBeGreaterThan(400);
  expect(counts.refused).toBeGreaterThan(2_000);
});
