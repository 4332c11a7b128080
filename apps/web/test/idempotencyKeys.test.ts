import { randomUUID } from 'node:crypto';
import { type Endpoint, type EndpointName, endpoints } from '@neolith/contracts';
import { beforeAll, expect, test } from 'vitest';
import { parseSecret } from '@/server/auth/secret';
import { makeThings, pathOf, type Sample, samplesOf } from './support/samples';
import { serverFixture, type Tenant } from './support/serverFixture';

const posts = (Object.entries<Endpoint>(endpoints) as [EndpointName, Endpoint][]).filter(
  ([, { method }]) => method === 'POST',
);

const fixture = serverFixture();
let tenant: Tenant;
let token: string;

beforeAll(async () => {
  tenant = await fixture.tenant();
  token = await tenant.token();
});

const freshSample = async (name: EndpointName): Promise<Sample> => {
  const doomed = await tenant.token('read');
  return samplesOf(await makeThings(tenant.engine, `tok_${parseSecret(doomed)?.id}`))[name];
};

async function post(endpoint: Endpoint, sample: Sample, key: string | null, by = token) {
  const response = await fixture.fetch(pathOf(endpoint.path, sample), {
    method: 'POST',
    token: by,
    headers: { 'content-type': 'application/json', ...(key === null ? {} : { 'idempotency-key': key }) },
    body: JSON.stringify(sample.body ?? {}),
  });
  return {
    status: response.status,
    text: await response.text(),
    replayed: response.headers.get('idempotency-replayed'),
    type: response.headers.get('content-type'),
  };
}

const TABLES = [
  'orchestrators',
  'users',
  'tasks',
  'task_dependencies',
  'leases',
  'daemons',
  'channels',
  'events',
];
const MORE = ['attempts', 'runs', 'claim_requests', 'attempt_logs', 'attempt_log_chunks'];

/** Every row of the workspaces' things; not of what the sweeper moves by itself. */
async function contents(): Promise<unknown> {
  const { pool } = fixture.test.database;
  const read = [...TABLES, ...MORE].map(
    async (table) =>
      (await pool.query(`SELECT to_jsonb(t) AS row FROM ${table} t ORDER BY to_jsonb(t)::text`)).rows,
  );
  return [...(await Promise.all(read)), (await pool.query('SELECT id FROM api_tokens ORDER BY id')).rows];
}

/** What was written down of a call: the types of its events, how many rows there are more. */
async function effectOf(call: () => Promise<unknown>): Promise<unknown> {
  const { pool } = fixture.test.database;
  const count = async () => {
    const all = [...TABLES, ...MORE, 'api_tokens'].map(async (table) => {
      const { rows } = await pool.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`);
      return rows[0]?.n ?? 0;
    });
    return Promise.all(all);
  };
  const [{ rows: last }, before] = await Promise.all([
    pool.query<{ n: string }>('SELECT coalesce(max(seq), 0)::text AS n FROM events'),
    count(),
  ]);
  await call();
  const { rows } = await pool.query<{ type: string }>(
    'SELECT type FROM events WHERE seq > $1 ORDER BY type',
    [last[0]?.n],
  );
  const after = await count();
  return { events: rows.map(({ type }) => type), rows: after.map((n, index) => n - (before[index] ?? 0)) };
}

/** Another route than the one of the call, and what it takes. */
const elsewhereOf = (name: EndpointName): [Endpoint, Sample] =>
  name === 'createChannel'
    ? [endpoints.createToken, { body: { name: 'CI', scopes: ['read'] } }]
    : [endpoints.createChannel, { body: { name: randomUUID() } }];

test.each(posts)(
  '%s: four at once with one key have the effect of one without, and so has a fifth; another body and another route are refused',
  async (name, endpoint) => {
    const alone = await freshSample(name);
    let single: { status: number } | undefined;
    const effect = await effectOf(async () => {
      single = await post(endpoint, alone, null);
    });

    const sample = await freshSample(name);
    const key = randomUUID();
    let answers: Awaited<ReturnType<typeof post>>[] = [];
    const ofFour = await effectOf(async () => {
      answers = await Promise.all(Array.from({ length: 4 }, () => post(endpoint, sample, key)));
    });
    expect(new Set(answers.map(({ status, text, type }) => `${status} ${type} ${text}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(single?.status);
    expect(ofFour).toEqual(effect);

    const before = await contents();
    expect(await post(endpoint, sample, key)).toEqual({ ...answers[0], replayed: 'true' });
    const others = [await post(...elsewhereOf(name), key)];
    if (sample.id !== undefined) others.push(await post(endpoint, { ...sample, id: `${sample.id}x` }, key));
    for (const { status, text } of others) {
      expect([status, JSON.parse(text).code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    }
    expect(await contents()).toEqual(before);
  },
);

test('fields in another order are the same body, another value is another', async () => {
  const key = randomUUID();
  const name = randomUUID();
  const first = await post(endpoints.createChannel, { body: { name, purpose: 'x' } }, key);
  expect(first.status).toBe(201);
  expect(await post(endpoints.createChannel, { body: { purpose: 'x', name } }, key)).toMatchObject({
    text: first.text,
    replayed: 'true',
  });
  const other = await post(endpoints.createChannel, { body: { purpose: 'y', name } }, key);
  expect(JSON.parse(other.text).code).toBe('IDEMPOTENCY_KEY_REUSED');
});

test('a key means nothing to another token', async () => {
  const key = randomUUID();
  const names = [randomUUID(), randomUUID()];
  const answers = await Promise.all(
    names.map(async (name) => post(endpoints.createChannel, { body: { name } }, key, await tenant.token())),
  );
  expect(answers.map(({ text }) => JSON.parse(text).name)).toEqual(names);
});

test('what is refused before it is a call keeps no key', async () => {
  const key = randomUUID();
  expect((await post(endpoints.createChannel, { body: { name: '' } }, key)).status).toBe(400);
  expect(
    (await post(endpoints.createChannel, { body: { name: 'x' } }, key, await tenant.token('read'))).status,
  ).toBe(403);
  expect((await post(endpoints.createChannel, { body: { name: randomUUID() } }, key)).status).toBe(201);
});

test('a key that is empty, too long or not visible is refused', async () => {
  for (const key of ['', 'x'.repeat(256), 'é', 'a\tb']) {
    const { status, text } = await post(endpoints.createChannel, { body: { name: randomUUID() } }, key);
    expect([key, status, JSON.parse(text).errors[0].path]).toEqual([key, 400, 'headers.idempotency-key']);
  }
  const longest = await post(endpoints.createChannel, { body: { name: randomUUID() } }, 'x'.repeat(255));
  expect(longest.status).toBe(201);
});

test('a secret that is answered again is not stored in a way that anybody could read', async () => {
  const key = randomUUID();
  const first = await post(endpoints.createToken, { body: { name: 'CI', scopes: ['read'] } }, key);
  const { secret } = JSON.parse(first.text) as { secret: string };
  expect((await post(endpoints.createToken, { body: { name: 'CI', scopes: ['read'] } }, key)).text).toBe(
    first.text,
  );
  const { rows } = await fixture.test.database.pool.query<{ body: Buffer }>(
    'SELECT body FROM idempotency_keys WHERE key = $1',
    [key],
  );
  expect(rows[0]?.body.length).toBeGreaterThan(100);
  expect(rows[0]?.body.toString('latin1')).not.toContain(secret.slice(-20));
});

test('a call without a key writes down nothing of it', async () => {
  const count = async () => (await fixture.test.database.pool.query('SELECT FROM idempotency_keys')).rowCount;
  const before = await count();
  await post(endpoints.createChannel, { body: { name: randomUUID() } }, null);
  expect(await count()).toBe(before);
});
