import { describe, expect, test } from 'vitest';
import { readPlan } from '../../src/plans/index.js';
import { findTask, listProblems, readFixture, requirePlan } from './readFixture.js';

function readRows(rows: object[], options = {}) {
  const content = rows.map((row) => JSON.stringify(row)).join('\n');
  return readPlan({ fileName: 'issues.jsonl', content, options });
}

const issue = (id: string, extra: object = {}) => ({
  id,
  title: id.toUpperCase(),
  status: 'open',
  priority: 2,
  created_at: '2026-01-01T00:00:00Z',
  ...extra,
});
const edge = (type: string, depends_on_id: string) => ({ type, depends_on_id });

describe('a dirty beads export', () => {
  test('is read, and everything that is wrong with it is reported with its line', () => {
    const result = readFixture('dirty/issues.jsonl');
    expect(listProblems(result)).toMatchInlineSnapshot(`
      [
        "1 notice TIME_OFFSETS_MIXED Times are written with 3 offsets (Z 9×, -08:00 1×, +05:30 1×); each is read as the instant it means.",
        "1 warning DEPENDENCY_DERIVED_DROPPED By its place among the parents and phases w-1 would wait for w-10 (line 16), but that waits for w-1 already; only what the file says was kept.",
        "1 warning DEPENDENCY_DERIVED_DROPPED By its place among the parents and phases w-1 would wait for w-11 (line 18), but that waits for w-1 already; only what the file says was kept.",
        "2 warning DEPENDENCY_UNKNOWN w-2 depends on gone-1, which is not in the plan, so this dependency can't be kept; add that task or remove the dependency.",
        "3 notice STATUS_MAPPED w-3 is in_progress, which counts as open here.",
        "3 warning DEPENDENCY_DUPLICATE w-3 depends on w-2 twice; once is enough.",
        "5 warning DEPENDENCY_SELF w-4 depends on itself, which can't be kept; remove the dependency.",
        "6 warning ID_DUPLICATE Two tasks have the id w-2, in lines 2 and 6; the one in line 2 counts. Give each its own id.",
        "7 warning TITLE_MISSING w-5 has no title; its id stands in for it. Give it one.",
        "7 warning STATUS_UNKNOWN w-5 has the unknown status "sleeping"; it counts as open.",
        "7 warning TIME_INVALID "created_at" of w-5 is not a time with an offset (2026-11-20T17:00:00Z); it counts as not given.",
        "7 warning PRIORITY_MISSING Rows without a priority: 1 of 12 (line 7); MEDIUM is taken. Exports of late 2025 leave out P0: for one of those choose CRITICAL for a missing priority, else MEDIUM.",
        "8:21 warning ROW_UNREADABLE Line 8 is not valid JSON and is left out: a value should be here, but a text starts that is not allowed here or never ends.",
        "9:1 warning ROW_UNREADABLE Line 9 is a conflict marker of git and is left out; resolve the merge first.",
        "10 warning ROW_UNREADABLE Line 10 holds a list and is left out; a row is an object.",
        "11 warning ROW_WITHOUT_ID The row in line 11 has no "id" and is left out; give it one.",
        "12 warning DEPENDENCY_INVALID A dependency of w-7 belongs to "w-8" by its "issue_id" and is left out.",
        "12 warning DEPENDENCY_INVALID A dependency of w-7 is not an object and is left out.",
        "12 notice EDGE_NOT_DEPENDENCY w-7 has a "discovered-from" link to w-9; it orders nothing and is kept in the metadata.",
        "12 notice EDGE_NOT_DEPENDENCY w-7 has a "tracks" link to gone-2, which is not in the file; it orders nothing and is kept in the metadata.",
        "12 warning EDGE_TYPE_UNKNOWN w-7 has an edge of the unknown type "haunts" to w-9; it is not taken as a dependency. Use "blocks" if it is one.",
        "12 warning PRIORITY_INVALID w-7 has the priority 7, which is not 0 to 4; MEDIUM is taken.",
        "13 warning STATUS_MISSING w-8 has no status; it counts as open.",
        "13 notice DEPENDENCY_DELETED w-8 depends on w-0, which is deleted; it does not wait for it.",
        "13 warning PARENT_UNKNOWN w-8 names the parent gone-3, which is not in the plan, so it has none; add that task or remove the parent.",
        "14 warning DEPENDENCY_DERIVED_DROPPED By its place among the parents and phases w-9 would wait for w-11 (line 18), but that waits for w-9 already; only what the file says was kept.",
        "15 notice ROW_DELETED w-0 is marked as deleted; it is not imported.",
        "17 warning ID_DUPLICATE Two tasks have the id w-11, in lines 17 and 18; the one in line 18 counts, as it was updated later. Give each its own id.",
        "18 warning PARENT_EXTRA w-11 has more than one parent: w-1 counts, w-9 only closes after it.",
        "18 warning CREATED_AT_MISSING w-11 has no "created_at"; the time of import stands in for it.",
      ]
    `);
    expect(
      requirePlan(result).tasks.map(({ sourceId, line }) => `${sourceId}:${line}`),
    ).toMatchInlineSnapshot(`
      [
        "w-1:1",
        "w-2:2",
        "w-3:3",
        "w-4:5",
        "w-5:7",
        "w-7:12",
        "w-8:13",
        "w-9:14",
        "w-10:16",
        "w-11:18",
      ]
    `);
  });

  test('strictly read, everything that would be left out is an error and there is no plan', () => {
    const lenient = readFixture('dirty/issues.jsonl');
    const strict = readFixture('dirty/issues.jsonl', { strict: true });
    expect(strict.plan).toBeNull();
    expect(strict.problems.map(({ code, line }) => `${line} ${code}`)).toEqual(
      lenient.problems.map(({ code, line }) => `${line} ${code}`),
    );
    const errors = new Set(
      strict.problems.filter(({ severity }) => severity === 'error').map(({ code }) => code),
    );
    expect([...errors].sort()).toEqual([
      'DEPENDENCY_INVALID',
      'DEPENDENCY_SELF',
      'DEPENDENCY_UNKNOWN',
      'EDGE_TYPE_UNKNOWN',
      'ID_DUPLICATE',
      'PARENT_UNKNOWN',
      'ROW_UNREADABLE',
      'ROW_WITHOUT_ID',
    ]);
  });

  test('keeps the tasks that are whole, with statuses, priorities, times and other fields mapped', () => {
    const plan = requirePlan(readFixture('dirty/issues.jsonl'));
    expect(findTask(plan, 'w-3')).toMatchObject({
      priority: 'CRITICAL',
      status: 'open',
      createdAt: new Date('2025-12-01T10:00:00Z'),
      parentSourceId: 'w-1',
      dependsOn: ['w-2', 'w-9'],
      derivedDependsOn: ['w-9'],
    });
    expect(findTask(plan, 'w-9')).toMatchObject({
      status: 'done',
      dueAt: new Date('2025-12-05T00:00:00Z'),
      tags: ['rules'],
      metadata: { beads: { assignee: 'kim', notes: 'done' } },
    });
    expect(findTask(plan, 'w-7').metadata).toEqual({
      beads: {
        links: [
          { type: 'discovered-from', id: 'w-9' },
          { type: 'tracks', id: 'gone-2' },
          { type: 'haunts', id: 'w-9' },
        ],
      },
    });
    expect(findTask(plan, 'w-11').title).toBe('Its newer twin');
  });

  test('missing priorities are counted in one warning, which a choice silences', () => {
    const rows = [issue('a', { priority: undefined }), issue('b'), issue('c', { priority: null })];
    const open = readRows(rows);
    expect(listProblems(open)).toEqual([
      '1 warning PRIORITY_MISSING Rows without a priority: 2 of 3 (line 1, 3); MEDIUM is taken. Exports of late 2025 leave out P0: for one of those choose CRITICAL for a missing priority, else MEDIUM.',
    ]);
    for (const missingPriority of ['CRITICAL', 'MEDIUM'] as const) {
      const chosen = readRows(rows, { missingPriority });
      expect(chosen.problems).toEqual([]);
      expect(chosen.counts.missingPriorities).toBe(2);
      expect(findTask(requirePlan(chosen), 'c').priority).toBe(missingPriority);
    }
  });

  test('counts say what the file held and what became of it', () => {
    const { counts } = readFixture('dirty/issues.jsonl');
    expect(counts.rows).toBe(17);
    expect(counts.tasks).toBe(10);
    expect(counts.source).toEqual({
      edges: 17,
      edgeTypes: { blocks: 8, 'parent-child': 6, 'discovered-from': 1, tracks: 1, haunts: 1 },
      danglingEdges: 3,
      statuses: { '': 1, closed: 2, in_progress: 1, open: 7, sleeping: 1, tombstone: 1 },
    });
  });
});

describe('beads priorities', () => {
  test.each([
    [0, 'CRITICAL'],
    [1, 'HIGH'],
    [2, 'MEDIUM'],
    [3, 'LOW'],
    [4, 'LOW'],
  ])('%i becomes %s', (priority, expected) => {
    expect(readRows([issue('a', { priority })]).plan?.tasks[0]?.priority).toBe(expected);
  });
});

describe('parents in beads', () => {
  test('an epic closes after its children, and they wait for what it waits for, at every depth', () => {
    const result = readRows([
      issue('gate'),
      issue('epic', { dependencies: [edge('blocks', 'gate')] }),
      issue('story', { dependencies: [edge('parent-child', 'epic')] }),
      issue('task', { dependencies: [edge('parent-child', 'story')] }),
    ]);
    expect(listProblems(result)).toEqual([]);
    const plan = requirePlan(result);
    expect(plan.tasks.map(({ sourceId, dependsOn }) => [sourceId, dependsOn])).toEqual([
      ['gate', []],
      ['epic', ['gate', 'story']],
      ['story', ['task', 'gate']],
      ['task', ['gate']],
    ]);
    expect(result.counts.dependencies).toEqual({
      total: 5,
      written: 1,
      closesLast: 2,
      inherited: 2,
      afterPhases: 0,
      contradicting: 0,
    });
  });

  test('an epic that is blocked by its own child does not make the other children wait for that child', () => {
    const plan = requirePlan(
      readRows([
        issue('epic', { dependencies: [edge('blocks', 'a')] }),
        issue('a', { dependencies: [edge('parent-child', 'epic')] }),
        issue('b', { dependencies: [edge('parent-child', 'epic')] }),
      ]),
    );
    expect(findTask(plan, 'b').dependsOn).toEqual([]);
    expect(findTask(plan, 'epic').dependsOn).toEqual(['a', 'b']);
  });

  test('two epics whose children wait for the other epic lose one derived dependency, no written one', () => {
    const result = readRows([
      issue('e1'),
      issue('e2'),
      issue('c1', { dependencies: [edge('parent-child', 'e1'), edge('blocks', 'e2')] }),
      issue('c2', { dependencies: [edge('parent-child', 'e2'), edge('blocks', 'e1')] }),
    ]);
    expect(listProblems(result)).toEqual([
      '1 warning DEPENDENCY_DERIVED_DROPPED By its place among the parents and phases e1 would wait for c1 (line 3), but that waits for e1 already; only what the file says was kept.',
    ]);
    expect(requirePlan(result).tasks.map(({ dependsOn }) => dependsOn)).toEqual([[], ['c2'], ['e2'], ['e1']]);
  });

  test('a dependency that contradicts nothing is not lost beside one that does', () => {
    const result = readRows([
      issue('epic', { dependencies: [edge('blocks', 'gate')] }),
      issue('a', { dependencies: [edge('parent-child', 'epic')] }),
      issue('gate'),
      issue('b', { dependencies: [edge('parent-child', 'gate'), edge('blocks', 'epic')] }),
    ]);
    expect(result.problems.map(({ code, line }) => `${line} ${code}`)).toEqual([
      '3 DEPENDENCY_DERIVED_DROPPED',
    ]);
    expect(findTask(requirePlan(result), 'a').dependsOn).toEqual(['gate']);
  });

  test('a cycle of written blocks edges is an error with its path', () => {
    const result = readRows([
      issue('a', { dependencies: [edge('blocks', 'b')] }),
      issue('b', { dependencies: [edge('blocks', 'a')] }),
    ]);
    expect(listProblems(result)).toEqual([
      '1 error CYCLE These tasks wait for one another: a (line 1) → b (line 2) → a (line 1); remove one of these dependencies.',
    ]);
    expect(result.plan).toBeNull();
  });

  test('a circle of parents is opened with a warning', () => {
    const result = readRows([
      issue('a', { dependencies: [edge('parent-child', 'b')] }),
      issue('b', { dependencies: [edge('parent-child', 'a')] }),
    ]);
    expect(result.problems).toMatchObject([{ severity: 'warning', code: 'PARENT_CYCLE', line: 1 }]);
    expect(requirePlan(result).tasks.map(({ parentSourceId }) => parentSourceId)).toEqual([null, 'a']);
  });
});

describe('beads rows that do not fit', () => {
  test('texts that are too long are shortened, and nothing of a title is lost', () => {
    const title = `${'x'.repeat(298)}😀 end`;
    const result = readRows([issue('a', { title, description: `x${'é'.repeat(60_000)}` })]);
    expect(result.problems.map(({ code }) => code)).toEqual(['TITLE_SHORTENED', 'TEXT_TRUNCATED']);
    const task = findTask(requirePlan(result), 'a');
    expect(task.title).toBe(`${'x'.repeat(298)}…`);
    expect(task.metadata).toEqual({ beads: { title } });
    // 100 KB end in the middle of a character, which goes as a whole.
    expect(task.description).toBe(`x${'é'.repeat(51_199)}`);
  });

  test('metadata above 64 KB loses its largest fields, by name', () => {
    const result = readRows([issue('a', { small: 'kept', large: 'x'.repeat(70_000) })]);
    expect(listProblems(result)).toEqual([
      '1 warning METADATA_TRUNCATED The other fields of a take more than 64 KB; left out: large.',
    ]);
    expect(findTask(requirePlan(result), 'a').metadata).toEqual({ beads: { small: 'kept' } });
  });

  test('NUL, half characters, __proto__, doubled keys and imprecise numbers are reported and made harmless', () => {
    const content =
      '{"id":"a","title":"A\\u0000B","status":"open","priority":2,"created_at":"2026-01-01T00:00:00Z",' +
      '"x":{"__proto__":{"polluted":1},"n":12345678901234567890},"x2":"\\udc00","priority":1}';
    const result = readPlan({ fileName: 'issues.jsonl', content });
    expect(result.problems.map(({ code }) => code).sort()).toEqual([
      'KEY_DUPLICATE',
      'NUMBER_IMPRECISE',
      'ROW_KEY_DROPPED',
      'TEXT_SANITISED',
    ]);
    const task = findTask(requirePlan(result), 'a');
    expect(task).toMatchObject({ title: 'A\uFFFDB', priority: 'HIGH' });
    expect(Object.keys(Object(Reflect.get(Object(task.metadata.beads), 'x')))).toEqual(['n']);
    expect('polluted' in {}).toBe(false);
  });

  test('fields of the wrong type are reported and kept in the metadata', () => {
    const wrong = {
      description: 5,
      labels: ['ok', 7],
      estimated_minutes: 'long',
      acceptance_criteria: [],
      parent: 3,
    };
    const result = readRows([issue('a', { ...wrong, due_at: 'soon', dependencies: 'none' })]);
    expect(result.problems.map(({ code }) => code).sort()).toEqual([
      'DEPENDENCY_INVALID',
      'TIME_INVALID',
      ...Array.from({ length: 5 }, () => 'VALUE_INVALID'),
    ]);
    expect(findTask(requirePlan(result), 'a').metadata).toEqual({ beads: { ...wrong, due_at: 'soon' } });
  });
});
