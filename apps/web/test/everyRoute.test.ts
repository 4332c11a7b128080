import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  allowsScope,
  type Endpoint,
  type EndpointName,
  endpoints,
  problemSchema,
  TOKEN_SCOPES,
  type TokenScope,
} from '@neolith/contracts';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseSecret } from '@/server/auth/secret';
import { issueToken } from '@/server/auth/tokenStore';
import { rawRequest } from './support/rawRequest';
import { makeThings, pathOf, type Sample, samplesOf, type Things } from './support/samples';
import { serverFixture } from './support/serverFixture';

const api = fileURLToPath(new URL('../app/api/v1', import.meta.url));
const table = Object.entries<Endpoint>(endpoints) as [EndpointName, Endpoint][];
const guarded = table.filter(([, endpoint]) => endpoint.scope !== null);

const fixture = serverFixture();
const tokens: Record<string, string> = {};
const bad: Record<string, string> = {};
let things: Things;
let samples: Record<EndpointName, Sample>;

beforeAll(async () => {
  const tenant = await fixture.tenant();
  const doomed = await tenant.token('read');
  things = await makeThings(tenant.engine, `tok_${parseSecret(doomed)?.id}`);
  samples = samplesOf(things);
  for (const scope of TOKEN_SCOPES) tokens[scope] = await tenant.token(scope);
  const good = await tenant.token('admin');
  const end = async (column: 'revoked_at' | 'expires_at') => {
    const token = await tenant.token('admin');
    await fixture.test.database.pool.query(`UPDATE api_tokens SET ${column} = now() WHERE id = $1`, [
      parseSecret(token)?.id,
    ]);
    return token;
  };
  const session = await issueToken(fixture.test.database, {
    workspaceId: tenant.workspaceId,
    kind: 'SESSION',
    name: 'bad',
    scopes: ['admin'],
    lifetimeSeconds: 3_600,
  });
  const last = good.at(-1) === 'A' ? 'Q' : 'A';
  Object.assign(bad, {
    expired: await end('expires_at'),
    revoked: await end('revoked_at'),
    'cut off': good.slice(0, -8),
    'with another end': `${good.slice(0, -4)}${last.repeat(4)}`,
    'made up': `neo_${randomUUID()}_${'A'.repeat(43)}`,
    'of another kind': session.text,
    'no token at all': 'x',
    'with something behind it': `${good}x`,
  });
});

function init(
  endpoint: Endpoint,
  sample: Sample,
): { method: string; headers: Record<string, string>; body?: string } {
  const sends = endpoint.method === 'POST' || endpoint.method === 'PATCH';
  return {
    method: endpoint.method,
    headers: sends ? { 'content-type': 'application/json' } : {},
    ...(sends ? { body: JSON.stringify(sample.body ?? {}) } : {}),
  };
}

async function problemOf(response: Response) {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  return problemSchema.parse(await response.json());
}

test('the files below app/api/v1 are the endpoints of the table, and their exports its methods', () => {
  const files = readdirSync(api, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('route.ts') && !file.includes('[[...'))
    .map(
      (file) =>
        `/${file
          .replace(/\/?route\.ts$/, '')
          .replaceAll('[', '{')
          .replaceAll(']', '}')}`,
    );
  const paths = new Set(table.map(([, endpoint]) => endpoint.path));
  expect(files.sort()).toEqual([...paths].sort());
  for (const path of paths) {
    const source = readFileSync(
      join(api, path.replaceAll('{', '[').replaceAll('}', ']'), 'route.ts'),
      'utf8',
    );
    const named = [...source.matchAll(/(?:endpoints|directHandlers)\.(\w+)/g)].map((match) => match[1]);
    const expected = table.filter(([, endpoint]) => endpoint.path === path).map(([name]) => name);
    expect(named.sort()).toEqual(expected.sort());
  }
});

describe.each(guarded)('%s', (name, endpoint) => {
  test('refuses a call without a token', async () => {
    const response = await fixture.fetch(pathOf(endpoint.path, samples[name]), init(endpoint, samples[name]));
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect((await problemOf(response)).code).toBe('UNAUTHENTICATED');
  });

  test('refuses tokens that are expired, revoked, cut off, made up or of another kind, and tells none apart', async () => {
    const texts = new Set<string>();
    for (const [kind, token] of Object.entries(bad)) {
      const response = await fixture.fetch(pathOf(endpoint.path, samples[name]), {
        ...init(endpoint, samples[name]),
        token,
      });
      expect([kind, response.status]).toEqual([kind, 401]);
      const { code, title, detail } = await problemOf(response);
      texts.add(JSON.stringify({ code, title, detail }));
    }
    expect(texts.size).toBe(1);
  });

  test('refuses tokens of every other scope, before it looks at what they ask', async () => {
    for (const scope of TOKEN_SCOPES) {
      if (allowsScope([scope], endpoint.scope as TokenScope)) continue;
      const broken = { ...init(endpoint, samples[name]), token: tokens[scope] as string };
      if (broken.body !== undefined) broken.body = 'no json';
      const response = await fixture.fetch(pathOf(endpoint.path, samples[name]), broken);
      expect(response.status).toBe(403);
      expect((await problemOf(response)).code).toBe('FORBIDDEN');
    }
  });
});

const posts = table.filter(([, { method }]) => method === 'POST' || method === 'PATCH');

describe.each(posts)('%s', (name, endpoint) => {
  test('refuses what a form of another page could send, before it reads it', async () => {
    const token = endpoint.scope === null ? undefined : tokens[endpoint.scope];
    for (const type of ['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/plain'])
      for (const body of ['', 'no json, and no form', JSON.stringify(samples[name].body ?? {})]) {
        const response = await fixture.fetch(pathOf(endpoint.path, samples[name]), {
          method: endpoint.method,
          headers: { 'content-type': type },
          body,
          ...(token === undefined ? {} : { token }),
        });
        expect([type, body, response.status]).toEqual([type, body, 415]);
        expect((await problemOf(response)).code).toBe('UNSUPPORTED_MEDIA_TYPE');
      }
  });
});

describe.each(table)('%s', (name, endpoint) => {
  test('refuses a foreign Host and a foreign Origin before it looks at the token', async () => {
    const { headers, ...rest } = init(endpoint, samples[name]);
    const url = `${fixture.server.url}${pathOf(endpoint.path, samples[name])}`;
    for (const host of ['evil.example', 'localhost.evil.example:80', '127.0.0.1.evil.example']) {
      const answer = await rawRequest(url, { ...rest, headers: { ...headers, host } });
      expect([host, answer.status]).toEqual([host, 403]);
      expect(JSON.parse(answer.text).code).toBe('HOST_NOT_ALLOWED');
    }
    for (const origin of ['http://evil.example', 'null', 'http://127.0.0.1:1']) {
      const answer = await rawRequest(url, { ...rest, headers: { ...headers, origin } });
      expect(answer.status).toBe(403);
      expect(JSON.parse(answer.text).code).toBe('ORIGIN_NOT_ALLOWED');
    }
  });
});

test('the things of another workspace are answered like things that do not exist, and nothing happens to them', async () => {
  const stranger = await (await fixture.tenant()).token();
  const before = await contents();
  const unknown: Things = {
    orchestrator: `orch_${randomUUID()}`,
    task: `task_${randomUUID()}`,
    dependent: `task_${randomUUID()}`,
    daemon: `daemon_${randomUUID()}`,
    runningTask: `task_${randomUUID()}`,
    attempt: `att_${randomUUID()}`,
    token: `tok_${randomUUID()}`,
    run: `run_${randomUUID()}`,
    mergingAttempt: `att_${randomUUID()}`,
    pendingRun: `run_${randomUUID()}`,
    pausedRun: `run_${randomUUID()}`,
    quarantinedRun: `run_${randomUUID()}`,
    failedRun: `run_${randomUUID()}`,
  };
  const unknowns = samplesOf(unknown);
  let asked = 0;
  for (const [name, endpoint] of guarded) {
    const names = JSON.stringify(samplesOf(things)[name]) !== JSON.stringify(unknowns[name]);
    if (!names || !/(orch|task|daemon|att|tok|run)_/.test(JSON.stringify(samples[name]))) continue;
    asked += 1;
    const [foreign, absent] = await Promise.all(
      [samples[name], unknowns[name]].map(async (sample) => {
        const response = await fixture.fetch(pathOf(endpoint.path, sample), {
          ...init(endpoint, sample),
          token: stranger,
        });
        const text = endpoint.stream === true && response.ok ? '' : await response.text();
        if (endpoint.stream === true) await response.body?.cancel().catch(() => undefined);
        // What differs is the id that was asked about, and when it was answered.
        return {
          status: response.status,
          text: text.replace(/_[0-9a-f]{8}-[0-9a-f-]{27}/g, '_ID').replace(/"at":"[^"]*"/, '"at":"T"'),
        };
      }),
    );
    expect([name, foreign]).toEqual([name, absent]);
    const ofList = ['listTasks', 'listDeadLetters', 'redriveDeadLetters'].includes(name);
    const ofRenewal = name === 'renewLease';
    if (name === 'completeTasks') expect(foreign?.text).toContain('"problem":{');
    else if (!ofList) expect([name, foreign?.status]).toEqual([name, ofRenewal ? 409 : 404]);
  }
  expect(asked).toBeGreaterThan(45);
  expect(await contents()).toEqual(before);
});

/** Every row of the workspaces' things; not of tokens, whose last use is written. */
async function contents(): Promise<unknown> {
  const tables = [
    'orchestrators',
    'tasks',
    'task_dependencies',
    'leases',
    'daemons',
    'channels',
    'events',
    'attempts',
    'runs',
  ];
  const read = tables.map((name) => fixture.test.database.pool.query(`SELECT * FROM ${name} ORDER BY 1, 2`));
  return (await Promise.all(read)).map(({ rows }) => rows);
}

test('a path that no endpoint has is a 404, a method that it has not a 405 that names the others', async () => {
  for (const path of [
    '/api/v1',
    '/api/v1/nothing',
    '/api/v1/tasks/x/nothing',
    '/api/v1/tasks/x/execute/more',
  ]) {
    for (const method of ['GET', 'POST', 'DELETE']) {
      const response = await fixture.fetch(path, { method });
      expect(response.status).toBe(404);
      expect((await problemOf(response)).code).toBe('ROUTE_NOT_FOUND');
    }
  }
  for (const path of new Set(table.map(([, endpoint]) => endpoint.path))) {
    const allowed: string[] = table
      .filter(([, endpoint]) => endpoint.path === path)
      .map(([, endpoint]) => endpoint.method);
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      if (allowed.includes(method)) continue;
      const response = await fixture.fetch(pathOf(path, { id: 'x' }), { method });
      expect([path, method, response.status]).toEqual([path, method, 405]);
      for (const one of allowed) expect(response.headers.get('allow')).toContain(one);
      expect((await problemOf(response)).code).toBe('METHOD_NOT_ALLOWED');
    }
  }
});
