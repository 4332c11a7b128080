export {
  type CreateTestDatabaseOptions,
  createTestDatabase,
  type TestDatabase,
} from './create-test-database.js';
export { type StartTestServerOptions, startTestServer, type TestServer } from './test-server.js';
