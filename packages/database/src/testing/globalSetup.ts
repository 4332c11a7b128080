import { availableParallelism } from 'node:os';
import { startTestServer, TEST_SERVERS_VARIABLE, type TestServer } from './testServer.js';

/** More workers than this share servers: each takes memory, and seconds to start. */
const MOST_SERVERS = 4;

/**
 * vitest's global set-up: a server and a template for each worker, whichever projects name this module; one for all
 * where `NEOLITH_TEST_DATABASE_URL` says which. Workers are started after it and inherit the variable.
 */
export default async function setUpTestServers(): Promise<(() => Promise<void>) | undefined> {
  if (process.env[TEST_SERVERS_VARIABLE]) return undefined;
  const count = process.env.NEOLITH_TEST_DATABASE_URL
    ? 1
    : Math.min(Math.max(availableParallelism(), 2), MOST_SERVERS);
  const servers: TestServer[] = [];
  const stop = async () => {
    await Promise.all(servers.map((server) => server.stop()));
  };
  try {
    while (servers.length < count) servers.push(await startTestServer());
  } catch (error) {
    await stop();
    throw error;
  }
  process.env[TEST_SERVERS_VARIABLE] = servers.map(({ templateUrl }) => templateUrl).join(' ');
  return async () => {
    delete process.env[TEST_SERVERS_VARIABLE];
    await stop();
  };
}
