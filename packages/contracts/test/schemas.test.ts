import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  claimRequestSchema,
  completionSchema,
  completionsRequestSchema,
  criteriaSchema,
  dateTimeSchema,
  jsonSchema,
  newOrchestratorSchema,
  newTaskSchema,
  progressRequestSchema,
  taskFilterSchema,
  taskPatchSchema,
  taskSchema,
  timeZoneSchema,
  workspacePatchSchema,
} from '../src/index.js';

const accepts = (schema: { safeParse(value: unknown): { success: boolean } }, value: unknown) =>
  schema.safeParse(value).success;

describe('times', () => {
  test('are ISO text with an offset outside and dates inside, and come back', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }),
        (date) => {
          expect(dateTimeSchema.encode(date)).toBe(date.toISOString());
          expect(dateTimeSchema.parse(date.toISOString())).toEqual(date);
        },
      ),
    );
    expect(dateTimeSchema.parse('2026-03-09T13:00:00+01:00')).toEqual(new Date('2026-03-09T12:00:00Z'));
  });

  test.each([
    '',
    'tomorrow',
    '2026-03-09',
    '2026-03-09T12:00:00',
    '2026-02-30T00:00:00Z',
    '1969-12-31T23:59:59Z',
    '0001-01-01T00:00:00Z',
    '+12345-01-01T00:00:00Z',
    0,
    null,
  ])('%j is none', (text) => expect(accepts(dateTimeSchema, text)).toBe(false));
});

describe('JSON that is stored', () => {
  test('holds no NUL and no half of a surrogate pair, at any depth, in no key', () => {
    const bad = ['\0', '\ud800', '\udfff', 'a\0b', '\\\0'];
    for (const text of bad)
      for (const value of [text, [text], { a: { b: [text] } }, { [text]: 1 }])
        expect(accepts(jsonSchema, value), JSON.stringify(value)).toBe(false);
  });

  test('may speak of them: source code is not what it describes', () => {
    const good = ['\\u0000', '\\ud800', '\\\\u0000', 'const nul = "\\u0000"', '\u{1f600}', '\\', 'u0000'];
    for (const text of good)
      for (const value of [text, [text], { [text]: text }])
        expect(accepts(jsonSchema, value), JSON.stringify(value)).toBe(true);
  });

  test('is judged as the database would, whatever it is', () => {
    const isStorable = (value: unknown): boolean => {
      if (typeof value === 'string') return !value.includes('\0') && value.isWellFormed();
      if (Array.isArray(value)) return value.every(isStorable);
      if (value === null || typeof value !== 'object') return true;
      return Object.entries(value).every(([key, inner]) => isStorable(key) && isStorable(inner));
    };
    const texts = fc.stringMatching(/^[\0\\u0d8a"]{0,8}$/);
    fc.assert(
      fc.property(
        fc.oneof(fc.jsonValue({ stringUnit: 'binary' }), texts, fc.dictionary(texts, texts)),
        (value) => {
          // A key that JavaScript treats in its own way can't be told apart here.
          fc.pre(!JSON.stringify(value).includes('__proto__'));
          expect(accepts(jsonSchema, value)).toBe(isStorable(value));
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('a new task', () => {
  test('is made of a title', () => {
    expect(newTaskSchema.parse({ title: 'a' })).toEqual({
      title: 'a',
      description: '',
      acceptanceCriteria: [],
      orchestratorId: null,
      channelId: null,
      parentId: null,
      runId: null,
      priority: 'MEDIUM',
      tags: [],
      resources: [],
      dueAt: null,
      availableAt: null,
      dependsOn: [],
      maxAttempts: 3,
      timeoutSeconds: null,
      estimateMinutes: null,
      backoff: null,
      metadata: {},
      source: null,
      sourceId: null,
      status: 'TODO',
    });
  });

  test.each<[string, object]>([
    ['title', {}],
    ['title', { title: '   ' }],
    ['title', { title: 'x'.repeat(301) }],
    ['title', { title: 'a\ud800' }],
    ['resources.0', { title: 'a', resources: ['port:\ud800'] }],
    ['description', { title: 'a', description: 'x'.repeat(102_401) }],
    ['description', { title: 'a', description: '€'.repeat(40_000) }],
    ['priority', { title: 'a', priority: 'urgent' }],
    ['tags.0', { title: 'a', tags: [' x'] }],
    ['tags', { title: 'a', tags: Array.from({ length: 51 }, (_, n) => `t${n}`) }],
    ['maxAttempts', { title: 'a', maxAttempts: 0 }],
    ['maxAttempts', { title: 'a', maxAttempts: 1.5 }],
    ['timeoutSeconds', { title: 'a', timeoutSeconds: 1e300 }],
    ['dueAt', { title: 'a', dueAt: 'soon' }],
    ['metadata', { title: 'a', metadata: { big: 'x'.repeat(66_000) } }],
    ['metadata', { title: 'a', metadata: [] }],
    ['sourceId', { title: 'a', source: 'x' }],
    ['status', { title: 'a', status: 'IN_PROGRESS' }],
    ['', { title: 'a', unknown: 1 }],
  ])('with a bad %s is refused there', (path, task) => {
    const result = newTaskSchema.safeParse(task);
    expect(result.success).toBe(false);
    expect(result.error?.issues.map((issue) => issue.path.join('.'))).toContain(path);
  });
});

describe('requests', () => {
  test('a patch says nothing of what it leaves out', () => {
    expect(taskPatchSchema.parse({})).toEqual({});
    expect(taskPatchSchema.parse({ dueAt: null, tags: [] })).toEqual({ dueAt: null, tags: [] });
  });

  test('a claim has its defaults, and bounds', () => {
    expect(claimRequestSchema.parse({ requestId: 'r' })).toEqual({
      requestId: 'r',
      max: 1,
      leaseSeconds: 30,
      waitSeconds: 0,
    });
    for (const bad of [
      {},
      { requestId: '' },
      { requestId: 'r', max: 101 },
      { requestId: 'r', waitSeconds: 26 },
      { requestId: 'r', leaseSeconds: null },
    ])
      expect(accepts(claimRequestSchema, bad)).toBe(false);
  });

  test('criteria admit tags, priorities, exclusions and a length', () => {
    expect(
      accepts(criteriaSchema, {
        requireTags: ['a'],
        excludeTags: [],
        minPriority: 'LOW',
        maxPriority: 'HIGH',
        excludeTaskIds: ['x'],
        limit: 500,
      }),
    ).toBe(true);
    for (const bad of [
      { limit: 0 },
      { limit: 501 },
      { minPriority: 'low' },
      { requireTags: 'a' },
      { tags: ['a'] },
    ])
      expect(accepts(criteriaSchema, bad)).toBe(false);
  });

  test('a completion takes dates as dates and as text, and metrics of any name', () => {
    const startedAt = new Date('2026-03-09T12:00:00Z');
    for (const given of [startedAt, startedAt.toISOString()])
      expect(
        completionSchema.parse({ status: 'completed', metrics: { startedAt: given, tokens: 1 } }).metrics,
      ).toEqual({ startedAt, tokens: 1 });
    for (const bad of [
      { status: 'done' },
      { status: 'failed', failureClass: 'x' },
      { status: 'failed', metrics: { duration: -1 } },
      { status: 'failed', error: 'a\0' },
    ])
      expect(accepts(completionSchema, bad)).toBe(false);
    expect(accepts(progressRequestSchema, { progress: 1 })).toBe(false);
  });

  test('a filter reads numbers from a query string', () => {
    expect(taskFilterSchema.parse({ limit: '7', unassigned: 'true' })).toEqual({
      limit: 7,
      unassigned: 'true',
    });
    expect(taskFilterSchema.parse({})).toEqual({ limit: 50 });
    for (const bad of [{ limit: '0' }, { limit: 'x' }, { limit: '501' }, { status: 'OPEN' }])
      expect(accepts(taskFilterSchema, bad)).toBe(false);
  });

  test('a time zone is one that this runtime knows by its name', () => {
    for (const zone of ['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires'])
      expect(accepts(timeZoneSchema, zone)).toBe(true);
    for (const zone of ['', 'Berlin', '+01:00', 'Europe/Atlantis', 'x'.repeat(101)])
      expect(accepts(timeZoneSchema, zone)).toBe(false);
  });

  test('an orchestrator has its defaults', () => {
    expect(newOrchestratorSchema.parse({ name: 'Ada', role: 'r', discipline: 'd', charter: {} })).toEqual({
      name: 'Ada',
      role: 'r',
      discipline: 'd',
      capabilities: [],
      status: 'ONLINE',
      daemonEndpoint: null,
      maxConcurrentTasks: 3,
      timeZone: 'UTC',
      charter: { mission: null, vision: null, values: [], expertise: [] },
    });
  });

  test('weights fall and boosts never rise', () => {
    for (const good of [
      { priorityWeights: [4, 3, 2, 1] },
      { deadlineBoosts: [1, 1, 1, 1] },
      { deadlineBoosts: [10, 5, 2, 1] },
    ])
      expect(accepts(workspacePatchSchema, good)).toBe(true);
    for (const bad of [
      { priorityWeights: [4, 4, 2, 1] },
      { priorityWeights: [4, 3, 2, 0] },
      { deadlineBoosts: [1, 2, 1, 1] },
      { deadlineBoosts: [2, 1, 1, 0.9] },
      { priorityWeights: [Number.POSITIVE_INFINITY, 3, 2, 1] },
    ])
      expect(accepts(workspacePatchSchema, bad), JSON.stringify(bad)).toBe(false);
  });

  test('a task is written and read again without loss', () => {
    const task = {
      id: 'task_1',
      workspaceId: 'ws_1',
      orchestratorId: null,
      channelId: null,
      parentId: null,
      title: 't',
      description: '',
      acceptanceCriteria: [],
      priority: 'LOW' as const,
      status: 'TODO' as const,
      tags: ['a'],
      dueAt: new Date('2026-03-09T12:00:00.123Z'),
      createdAt: new Date(0),
      updatedAt: new Date(1),
      availableAt: null,
      claimedAt: null,
      finishedAt: null,
      progress: 0,
      progressMessage: null,
      blockedReason: null,
      blockedQuestion: null,
      answer: null,
      maxAttempts: 3,
      attemptCount: 0,
      failureCount: 0,
      lostCount: 0,
      mergeFailureCount: 0,
      runId: null,
      wave: null,
      timeoutSeconds: null,
      estimateMinutes: null,
      metadata: { a: [1, null] },
      resources: [{ resource: 'port:3000', mode: 'shared' as const }],
      source: null,
      sourceId: null,
    };
    expect(taskSchema.parse(JSON.parse(JSON.stringify(taskSchema.encode(task))))).toEqual(task);
  });
});

describe('the metrics of a completion', () => {
  test.each([completionSchema, completionsRequestSchema.shape.completions.element])(
    'may be 256 KB of JSON and no more, counted in bytes',
    (schema) => {
      const completion = (note: string) => ({
        taskId: 'task_1',
        attemptId: 'att_1',
        status: 'completed',
        metrics: { note },
      });
      const withoutTask = (note: string) => {
        const { taskId, ...rest } = completion(note);
        return schema === completionSchema ? rest : { taskId, ...rest };
      };
      const frame = '{"note":""}'.length;
      expect(accepts(schema, withoutTask('a'.repeat(262_144 - frame)))).toBe(true);
      expect(accepts(schema, withoutTask('a'.repeat(262_144 - frame + 1)))).toBe(false);
      expect(accepts(schema, withoutTask('é'.repeat(131_073)))).toBe(false);
      const result = schema.safeParse(withoutTask('a'.repeat(270_000)));
      expect(result.error?.issues.map(({ path }) => path.join('.'))).toEqual(['metrics']);
    },
  );
});
