import { randomUUID } from 'node:crypto';
import { createClient, type NeolithClient, type TokenScope } from '@neolith/contracts';
import { createTestDatabase, type TestDatabase } from '@neolith/database/testing';
import { createWorkEngine, type WorkEngine } from '@neolith/work-engine';
import { afterAll, beforeAll } from 'vitest';
import { issueToken } from '@/server/auth/tokenStore';
import { type StartServerOptions, startServer, type TestServer } from '../startServer';

export interface Tenant {
  /** The bare UUID. */
  workspaceId: string;
  engine: WorkEngine;
  /** A token of the given scopes; default admin. */
  token(...scopes: TokenScope[]): Promise<string>;
  client(...scopes: TokenScope[]): Promise<NeolithClient>;
}

export interface ServerFixture {
  readonly server: TestServer;
  readonly test: TestDatabase;
  /** Another workspace of the same database, with nothing in it. */
  tenant(): Promise<Tenant>;
  fetch(path: string, init?: RequestInit & { token?: string }): Promise<Response>;
}

/** A database and a server of the test file's own. */
export function serverFixture(options: Omit<StartServerOptions, 'databaseUrl'> = {}): ServerFixture {
  const fixture: { test?: TestDatabase; server?: TestServer; engine?: WorkEngine } = {};
  beforeAll(async () => {
    fixture.test = await createTestDatabase();
    fixture.engine = createWorkEngine(fixture.test.database);
    fixture.server = await startServer({ databaseUrl: fixture.test.url, ...options });
  });
  afterAll(async () => {
    await fixture.server?.stop();
    await fixture.engine?.close();
    await fixture.test?.drop();
  });
  const server = () => fixture.server as TestServer;
  const test = () => fixture.test as TestDatabase;
  return {
    get server() {
      return server();
    },
    get test() {
      return test();
    },
    async tenant() {
      const whole = fixture.engine as WorkEngine;
      const slug = `tenant-${randomUUID()}`;
      const workspace = await whole.createWorkspace({ slug, name: slug });
      const workspaceId = workspace.id.replace(/^ws_/, '');
      const token = async (...scopes: TokenScope[]) => {
        const issued = await issueToken(test().database, {
          workspaceId,
          kind: 'ACCESS',
          name: 'test',
          scopes: scopes.length === 0 ? ['admin'] : scopes,
          lifetimeSeconds: 3_600,
        });
        return issued.text;
      };
      return {
        workspaceId,
        engine: whole.as({ workspaceId }),
        token,
        client: async (...scopes) => createClient({ baseUrl: server().url, token: await token(...scopes) }),
      };
    },
    fetch(path, { token, ...init } = {}) {
      const headers = new Headers(init.headers);
      if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
      return fetch(`${server().url}${path}`, { redirect: 'manual', ...init, headers });
    },
  };
}
