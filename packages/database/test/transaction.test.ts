import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../src/testing/index.js';

let test_: TestDatabase;

beforeAll(async () => {
  test_ = await createTestDatabase();
  await test_.database.pool.query('CREATE TABLE things (name text PRIMARY KEY)');
});
afterAll(() => test_.drop());

const names = async () => {
  const { rows } = await test_.database.pool.query<{ name: string }>('SELECT name FROM things ORDER BY name');
  await test_.database.pool.query('DELETE FROM things');
  return rows.map(({ name }) => name);
};
const INSERT = 'INSERT INTO things VALUES ($1)';

test('what is done through either door, and in transactions within, is committed together', async () => {
  const seen = await test_.database.transaction(async ({ pool, prisma }) => {
    await pool.query(INSERT, ['pool']);
    await prisma.$executeRaw`INSERT INTO things VALUES ('prisma')`;
    await prisma.$transaction(async (tx) => {
      await tx.$executeRaw`INSERT INTO things VALUES ('prisma within')`;
      await tx.$executeRaw`INSERT INTO things VALUES ('prisma again')`;
    });
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query(INSERT, ['client']);
    await client.query('COMMIT');
    client.release();
    const outside = await test_.database.pool.query('SELECT 1 FROM things');
    return outside.rowCount;
  });
  expect(seen).toBe(0);
  expect(await names()).toEqual(['client', 'pool', 'prisma', 'prisma again', 'prisma within']);
});

test('a failure of the whole leaves nothing, not even what a transaction within had committed', async () => {
  const whole = test_.database.transaction(async ({ pool, prisma }) => {
    await prisma.$transaction((tx) => tx.$executeRaw`INSERT INTO things VALUES ('prisma')`);
    await pool.query(INSERT, ['pool']);
    throw new Error('Later');
  });
  await expect(whole).rejects.toThrow('Later');
  expect(await names()).toEqual([]);
});

test('a piece that fails or rolls back takes only itself away, and the rest goes on', async () => {
  await test_.database.transaction(async ({ pool, prisma }) => {
    await pool.query(INSERT, ['first']);
    await expect(pool.query(INSERT, ['first'])).rejects.toMatchObject({ code: '23505' });
    const client = await pool.connect();
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await client.query(INSERT, ['undone']);
    await client.query('ROLLBACK');
    client.release();
    const within = prisma.$transaction(async (tx) => {
      await tx.$executeRaw`INSERT INTO things VALUES ('undone too')`;
      throw new Error('No');
    });
    await expect(within).rejects.toThrow('No');
    await pool.query(INSERT, ['last']);
  });
  expect(await names()).toEqual(['first', 'last']);
});

test('pieces that are asked for at once go one after another', async () => {
  await test_.database.transaction(async ({ pool }) => {
    const each = ['a', 'b', 'b', 'c'].map((name) => pool.query(INSERT, [name]));
    const outcomes = await Promise.allSettled(each);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  });
  expect(await names()).toEqual(['a', 'b', 'c']);
});

test('what is left behind is refused, and the next transaction is not touched by it', async () => {
  const doors = await test_.database.transaction(async (given) => given);
  await expect(doors.pool.query(INSERT, ['late'])).rejects.toThrow('This transaction is over');
  await test_.database.transaction(({ prisma }) => prisma.$executeRaw`INSERT INTO things VALUES ('next')`);
  expect(await names()).toEqual(['next']);
});

test('more transactions than there are places wait for one, and other calls do not wait for them', async () => {
  let go = () => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const many = Array.from({ length: 9 }, (_, index) =>
    test_.database.transaction(async ({ pool }) => {
      await gate;
      await pool.query(INSERT, [`many ${index}`]);
    }),
  );
  const { rows } = await test_.database.pool.query('SELECT 1 AS one');
  expect(rows).toEqual([{ one: 1 }]);
  go();
  await Promise.all(many);
  expect(await names()).toHaveLength(9);
});
