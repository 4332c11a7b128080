import { NeolithError } from '@neolith/contracts';
import { describe, expect, test } from 'vitest';
import { isDatabaseUnavailable, toEngineError } from '../src/store/sql.js';

const withCode = (code: string, message = 'as the driver says it') =>
  Object.assign(new Error(message), { code });

describe('a database that can not be asked', () => {
  test.each<[string, Error]>([
    ['nobody listens', withCode('ECONNREFUSED')],
    [
      'nobody listens at any of its addresses',
      new AggregateError([withCode('ECONNREFUSED'), withCode('ETIMEDOUT')]),
    ],
    ['it shuts down', withCode('57P01')],
    ['it has as many connections as it may', withCode('53300')],
    ['the connection went away', new Error('Connection terminated unexpectedly')],
    ['the connection fell silent', new Error('Query read timeout')],
    ['no place in the pool in time', new Error('timeout exceeded when trying to connect')],
    ['no place in the pool in time, by Prisma', withCode('P2024')],
    ['a transaction of Prisma that could not begin in time, or took too long', withCode('P2028')],
    ['Prisma wraps what the driver said', new Error('Raw query failed', { cause: withCode('57P03') })],
  ])('is told as DATABASE_UNAVAILABLE, with the cause: %s', (_, error) => {
    expect(isDatabaseUnavailable(error)).toBe(true);
    expect(toEngineError(error)).toMatchObject({ code: 'DATABASE_UNAVAILABLE', cause: error });
  });

  test.each<[string, Error]>([
    ['a statement that took too long', withCode('57014')],
    ['a key that is taken', withCode('23505')],
    ['a row that is not there, by Prisma', withCode('P2025')],
    ['a fault of ours', new TypeError('undefined is not a function')],
    ['an error of ours', new NeolithError('LEASE_LOST', 'Attempt att_1 no longer owns its task')],
  ])('is not what is meant by %s', (_, error) => {
    expect(isDatabaseUnavailable(error)).toBe(false);
    expect(toEngineError(error)).toBe(error);
  });
});
