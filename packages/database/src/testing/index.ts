export {
  type CreateTestDatabaseOptions,
  createTestDatabase,
  type TestDatabase,
} from './createTestDatabase.js';
export { type StartTestServerOptions, startTestServer, type TestServer } from './testServer.js';
