import { startTestServer, TEST_SERVER_VARIABLE } from './testServer.js';

/**
 * vitest's global set-up: one server and one template for the whole run, whichever projects name this module.
 * Workers are started after it and inherit the variable.
 */
export default async function setUpTestServer(): Promise<(() => Promise<void>) | undefined> {
  if (process.env[TEST_SERVER_VARIABLE]) return undefined;
  const server = await startTestServer();
  process.env[TEST_SERVER_VARIABLE] = server.templateUrl;
  return async () => {
    delete process.env[TEST_SERVER_VARIABLE];
    await server.stop();
  };
}
