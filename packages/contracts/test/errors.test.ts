import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  ERROR_CODES,
  ERROR_STATUS,
  invalidInput,
  isNeolithError,
  NeolithError,
  problemSchema,
  toProblem,
} from '../src/index.js';

describe('errors', () => {
  test.each(ERROR_CODES)('%s becomes problem details that its schema accepts', (code) => {
    const error = new NeolithError(code, 'What happened', { details: { taskId: 'task_1' } });
    const problem = toProblem(error);
    expect(problemSchema.parse(problem)).toEqual(problem);
    expect(problem).toMatchObject({
      code,
      status: ERROR_STATUS[code],
      detail: 'What happened',
      details: { taskId: 'task_1' },
    });
    expect(problem.type).toMatch(/^urn:neolith:problem:[a-z-]+$/);
    expect(problem.title).toMatch(/^[A-Z][a-z ]+$/);
    expect(error.status).toBeGreaterThanOrEqual(400);
    expect(error.status).toBeLessThan(600);
  });

  test('keep their cause, and are told apart from others, also across copies of the package', () => {
    const cause = new Error('root');
    const error = new NeolithError('INTERNAL', 'x', { cause });
    expect(error.cause).toBe(cause);
    expect(error).toBeInstanceOf(Error);
    expect(new NeolithError('INTERNAL', 'x')).not.toHaveProperty('cause');
    expect(toProblem(new NeolithError('INTERNAL', 'x'))).not.toHaveProperty('details');
    expect(isNeolithError(error)).toBe(true);
    expect(isNeolithError(Object.assign(new Error('x'), { name: 'NeolithError', code: 'INTERNAL' }))).toBe(
      true,
    );
    for (const other of [cause, 'NeolithError', null, { name: 'NeolithError', code: 'INTERNAL' }])
      expect(isNeolithError(other)).toBe(false);
  });

  test('of invalid input name each field by its path, and not too many of them', () => {
    const schema = z.strictObject({
      a: z.object({ b: z.array(z.number()) }),
      name: z.string().min(1, 'must not be empty'),
    });
    const failed = schema.safeParse({ a: { b: [1, 'x'] }, name: '', extra: 1, more: 2 });
    const error = invalidInput('The body', failed.error as z.ZodError, ['tasks', 0]);
    expect(error.code).toBe('INVALID_INPUT');
    expect(error.message).toContain('The body is not valid: ');
    expect(error.message).toContain('tasks.0.name: must not be empty');
    expect(toProblem(error).errors).toEqual([
      { path: 'tasks.0.a.b.1', message: expect.any(String) },
      { path: 'tasks.0.name', message: 'must not be empty' },
      { path: 'tasks.0', message: 'unknown field "extra", "more"' },
    ]);
    const many = z.array(z.number()).safeParse(Array.from({ length: 80 }, () => 'x'));
    const long = invalidInput('It', many.error as z.ZodError);
    expect(long.message).toMatch(/; and 45 more$/);
    expect(long.details.errors).toHaveLength(50);
    const top = invalidInput('It', z.number().safeParse('x').error as z.ZodError);
    expect(top.message).not.toContain(': :');
  });
});
