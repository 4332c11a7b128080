import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../src/testing/index.js';

let testDatabase: TestDatabase;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
});
afterAll(() => testDatabase.drop());

test('both doors lead to the same database', async () => {
  const { prisma, pool } = testDatabase.database;
  const viaPrisma = await prisma.$queryRaw<{ name: string }[]>`SELECT current_database() AS name`;
  const viaPool = await pool.query<{ name: string }>('SELECT current_database() AS name');
  expect(viaPrisma).toEqual(viaPool.rows);
});
