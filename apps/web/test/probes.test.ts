import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from '@neolith/contracts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@neolith/database';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startServer } from './startServer';

let directory: string;
let postgres: EmbeddedPostgres;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'neolith-probes-'));
  postgres = await startEmbeddedPostgres({ dataDirectory: join(directory, 'postgres') });
});

afterAll(async () => {
  await postgres.stop();
  await rm(directory, { recursive: true, force: true });
});

interface Line {
  readonly url: string;
  /** `silent`: takes everything and passes nothing on, as a dead peer does; `cut`: refuses and closes. */
  become(state: 'open' | 'silent' | 'cut'): void;
  close(): void;
}

/** A line to PostgreSQL that can go bad. */
async function openLine(): Promise<Line> {
  const target = new URL(postgres.url);
  const sockets = new Set<Socket>();
  let state: 'open' | 'silent' | 'cut' = 'open';
  const server = createServer((socket) => {
    if (state === 'cut') {
      socket.destroy();
      return;
    }
    const upstream = connect(Number(target.port || 5432), target.hostname);
    for (const one of [socket, upstream]) {
      sockets.add(one);
      one.on('error', () => one.destroy());
      one.on('close', () => {
        sockets.delete(one);
        socket.destroy();
        upstream.destroy();
      });
    }
    socket.on('data', (bytes) => void (state === 'open' && upstream.write(bytes)));
    upstream.on('data', (bytes) => void (state === 'open' && socket.write(bytes)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(postgres.url);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as { port: number }).port);
  return {
    url: url.href,
    become(next) {
      state = next;
      if (next === 'cut') for (const socket of sockets) socket.destroy();
    },
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

async function until<T>(limitMs: number, look: () => Promise<T | null>): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (performance.now() > deadline) throw new Error('It did not come');
    await delay(50);
  }
}

test('readyz says why not and never hangs; livez says yes; metrics go on for a token that was good', async () => {
  const line = await openLine();
  onTestFinished(() => line.close());
  const server = await startServer({ databaseUrl: line.url });
  onTestFinished(async () => {
    await server.stop('SIGKILL');
  });
  const admin = await server.token();
  const client = createClient({ baseUrl: server.url, token: admin });
  const { secret: token } = await client.createToken({ body: { name: 'prometheus', scopes: ['metrics'] } });
  const scrape = (bearer: string) =>
    fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${bearer}` } });
  expect((await scrape(token)).status).toBe(200);

  line.become('silent');
  for (let round = 0; round < 3; round += 1) {
    const startedMs = performance.now();
    const [ready, live] = await Promise.all([fetch(`${server.url}/readyz`), fetch(`${server.url}/livez`)]);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    expect(live.status).toBe(200);
    expect(ready.status).toBe(503);
    expect(ready.headers.get('retry-after')).toBe('1');
    expect(await ready.json()).toMatchObject({ code: 'DATABASE_UNAVAILABLE', details: { reason: 'slow' } });
  }
  const startedMs = performance.now();
  const blind = await scrape(token);
  expect(blind.status).toBe(200);
  expect(performance.now() - startedMs).toBeLessThan(9_000);
  const text = await blind.text();
  expect(text).toContain('neolith_database_up 0\n');
  expect(text).not.toContain('neolith_queue_tasks');
  expect(text).toContain('neolith_database_pool_connections{pool="ordinary",state="in_use"}');
  // One that nobody has seen before is let in by nobody.
  expect((await scrape(`${token.slice(0, -4)}AAAA`)).status).toBe(503);

  line.become('cut');
  const away = await until(30_000, async () => {
    const response = await fetch(`${server.url}/readyz`);
    const body = (await response.json()) as { details?: { reason?: string } };
    return body.details?.reason === 'database' ? response : null;
  });
  expect(away.status).toBe(503);

  line.become('open');
  const back = await until(20_000, async () => {
    const response = await fetch(`${server.url}/readyz`);
    return response.ok ? response : null;
  });
  expect(await back.json()).toEqual({ status: 'ok' });
  expect(await (await scrape(token)).text()).toContain('neolith_database_up 1\n');

  // Revoked, it is refused at once; and from then on also while the database is away.
  const { tokens } = await client.listTokens();
  const id = tokens.find(({ name }) => name === 'prometheus')?.id as string;
  await client.revokeToken({ params: { id } });
  expect((await scrape(token)).status).toBe(401);
  line.become('silent');
  expect((await scrape(token)).status).toBe(503);
});
