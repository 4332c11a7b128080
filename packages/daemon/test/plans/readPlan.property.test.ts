import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type PlanReadResult, readPlan } from '../../src/plans/index.js';

const fileNames = fc.constantFrom('plan.json', 'plan.yaml', 'issues.jsonl', 'plan', 'notes.md', 'tasks.json');

/** What holds for every result, whatever was read. */
function expectCoherent(result: PlanReadResult): void {
  const hasError = result.problems.some(({ severity }) => severity === 'error');
  expect(result.plan === null).toBe(hasError);
  for (const { line, column, message } of result.problems) {
    expect(line).toBeGreaterThanOrEqual(1);
    expect(column ?? 1).toBeGreaterThanOrEqual(1);
    expect(message).not.toBe('');
  }
  const ids = new Set(result.plan?.tasks.map(({ sourceId }) => sourceId));
  expect(ids.size).toBe(result.plan?.tasks.length ?? 0);
  for (const { dependsOn, sourceId } of result.plan?.tasks ?? []) {
    expect(new Set(dependsOn).size).toBe(dependsOn.length);
    expect(dependsOn).not.toContain(sourceId);
    for (const id of dependsOn) expect(ids.has(id)).toBe(true);
  }
}

test('bytes and texts of any kind never throw', () => {
  fc.assert(
    fc.property(fileNames, fc.oneof(fc.uint8Array(), fc.string({ unit: 'binary' })), (fileName, content) => {
      expectCoherent(readPlan({ fileName, content }));
    }),
    { numRuns: 500 },
  );
});

test('JSON values of any shape never throw, as a document and as rows', () => {
  fc.assert(
    fc.property(
      fileNames,
      fc.array(fc.jsonValue()),
      fc.constantFrom('\n', ' ', ','),
      (fileName, values, glue) => {
        expectCoherent(
          readPlan({ fileName, content: values.map((value) => JSON.stringify(value)).join(glue) }),
        );
      },
    ),
    { numRuns: 500 },
  );
});

// Shapes near the real ones, with any JSON value in each field, get further than pure noise.
const ids = fc.constantFrom('a', 'b', 'c', 'd', 'a.b', '__proto__', 'constructor', 1, 2);
const maybe = <T>(usual: fc.Arbitrary<T>) => fc.oneof({ weight: 8, arbitrary: usual }, fc.jsonValue());

const nearTasks = fc.array(
  fc.record(
    {
      id: maybe(ids),
      title: maybe(fc.constant('Title')),
      dependsOn: maybe(fc.array(ids, { maxLength: 3 })),
      parent: maybe(ids),
      priority: maybe(fc.constantFrom('low', 'HIGH')),
      due: maybe(fc.constant('2026-11-20')),
      metadata: maybe(fc.dictionary(fc.string(), fc.jsonValue())),
      status: maybe(fc.constantFrom('open', 'done', 'cancelled')),
    },
    { requiredKeys: ['id', 'title'] },
  ),
  { maxLength: 6 },
);

test('plans with wrong values anywhere never throw', () => {
  fc.assert(
    fc.property(nearTasks, fc.boolean(), (tasks, isPretty) => {
      const content = JSON.stringify({ version: 1, name: 'Plan', tasks }, null, isPretty ? 2 : 0);
      const asJson = readPlan({ fileName: 'plan.json', content });
      expectCoherent(asJson);
      // YAML is a superset of JSON, so its parser must come to the same verdict on the same text.
      const asYaml = readPlan({ fileName: 'plan.yaml', content: `# YAML\n${content}` });
      expect(asYaml.problems.map(({ code }) => code).sort()).toEqual(
        asJson.problems.map(({ code }) => code).sort(),
      );
    }),
    { numRuns: 300 },
  );
});

const nearEdges = fc.array(
  fc.record({
    depends_on_id: maybe(ids),
    type: maybe(fc.constantFrom('blocks', 'parent-child', 'related', 'tracks')),
  }),
  { maxLength: 4 },
);

const nearRows = fc.array(
  fc.record(
    {
      id: maybe(ids.map(String)),
      title: maybe(fc.constant('Title')),
      status: maybe(fc.constantFrom('open', 'closed', 'tombstone', 'hooked')),
      priority: maybe(fc.constantFrom(0, 1, 2, 3, 4)),
      created_at: maybe(fc.constant('2026-01-01T00:00:00Z')),
      dependencies: maybe(nearEdges),
      parent: maybe(ids),
      labels: maybe(fc.array(fc.string())),
    },
    { requiredKeys: ['id'] },
  ),
  { maxLength: 8 },
);

test('beads rows with wrong values anywhere never throw, and each row is a task or a problem', () => {
  fc.assert(
    fc.property(nearRows, fc.boolean(), (rows, strict) => {
      const content = rows.map((row) => JSON.stringify(row)).join('\n');
      const result = readPlan({ fileName: 'issues.jsonl', content, options: { strict } });
      expectCoherent(result);
      const placed = new Set([
        ...(result.plan?.tasks.map(({ line }) => line) ?? []),
        ...result.problems.map(({ line }) => line),
      ]);
      if (result.plan !== null) for (const index of rows.keys()) expect(placed.has(index + 1)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

const traps = fc.constantFrom<unknown>(
  { toString: 1 },
  { toString: null, valueOf: 2 },
  [[]],
  { length: -1 },
  '__proto__',
);
const anything = fc.oneof(fc.jsonValue(), traps);
const mostly = <T>(usual: fc.Arbitrary<T>) => fc.oneof({ weight: 8, arbitrary: usual }, anything);

const taskMasterFields = {
  id: mostly(fc.oneof(fc.nat(4), fc.constantFrom('1', '1.1', '2', 'x'))),
  title: mostly(fc.constant('Title')),
  status: mostly(fc.constantFrom('pending', 'done', 'review', 'Done')),
  priority: mostly(fc.constantFrom('high', 'low')),
  dependencies: mostly(
    fc.array(mostly(fc.oneof(fc.nat(4), fc.constantFrom('1', '1.1', '#2', '2.1'))), { maxLength: 3 }),
  ),
  details: mostly(fc.string()),
};
const nearTaskMaster = fc.record(
  {
    ...taskMasterFields,
    subtasks: mostly(fc.array(fc.record(taskMasterFields, { requiredKeys: ['id'] }), { maxLength: 3 })),
  },
  { requiredKeys: ['id', 'dependencies'] },
);

test('tasks.json with wrong values anywhere never throws, in both shapes', () => {
  fc.assert(
    fc.property(
      fc.array(mostly(nearTaskMaster), { maxLength: 6 }),
      fc.constantFrom(null, 'master', 'feature', '__proto__'),
      fc.constantFrom('auto', 'task-master'),
      (tasks, tag, format) => {
        const content =
          tag === null ? JSON.stringify({ tasks }) : `{${JSON.stringify(tag)}:${JSON.stringify({ tasks })}}`;
        expectCoherent(readPlan({ fileName: 'tasks.json', content, format }));
        expectCoherent(
          readPlan({ fileName: 'tasks.json', content, format, options: { tag: 'feature', strict: true } }),
        );
      },
    ),
    { numRuns: 300 },
  );
});

const pieces = fc.constantFrom(
  '- [ ] ',
  '- [x] ',
  '- [-] ',
  '* ',
  '1. ',
  '1. [ ] ',
  '  ',
  '    ',
  '\t',
  '\n',
  '\n\n',
  '\r\n',
  '# ',
  '## ',
  '### ',
  '> ',
  '---\n',
  'T1: ',
  'T2',
  '**T1**',
  '`x` ',
  '(id: x)',
  'depends on: ',
  'after: ',
  'Phase',
  'Title',
  ', ',
  ' and ',
  'due: 2026-12-01',
  'due: ',
  '!high',
  '#tag',
  'P1',
  '~2h',
  '(2h)',
  '<!-- id: 1 -->',
  '<!--',
  '-->',
  '```\n',
  '| a | b |',
  '|-|-|',
  '| Task | ID |',
  ':',
  '(',
  ')',
  '[',
  ']',
  'Requirements',
  'Acceptance criteria',
  'AC: ',
  'priority: ',
  'name: x',
  'sequential: true',
  '~~',
  '**',
  '_',
  '🚀',
  '\u00a0',
  '[a](b)',
  'previous',
);

test('Markdown made of everything that means something never throws, and ids stay when it is read again', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ weight: 6, arbitrary: pieces }, fc.string({ maxLength: 5 })), { maxLength: 60 }),
      (parts) => {
        const content = parts.join('');
        const first = readPlan({ fileName: 'plan.md', content });
        expectCoherent(first);
        const lines = content.split(/\r\n|\n|\r/).length;
        for (const { line } of first.problems) expect(line).toBeLessThanOrEqual(lines);
        const again = readPlan({ fileName: 'plan.md', content: content.replaceAll('\r\n', '\n') });
        expect(again.plan?.tasks.map(({ sourceId }) => sourceId)).toEqual(
          first.plan?.tasks.map(({ sourceId }) => sourceId),
        );
      },
    ),
    { numRuns: 1_000 },
  );
});

const nearBacklogFile = fc.record(
  {
    id: mostly(fc.constantFrom('task-1', 'TASK-1', 'task-2', 'task-2.1', 2)),
    title: mostly(fc.constant('Title')),
    status: mostly(fc.constantFrom('To Do', 'Done', 'In Progress')),
    priority: mostly(fc.constantFrom('high', 'low')),
    labels: mostly(fc.array(fc.string(), { maxLength: 3 })),
    dependencies: mostly(fc.array(mostly(fc.constantFrom('task-1', '2', 'TASK-02.1')), { maxLength: 3 })),
    parent_task_id: mostly(fc.constantFrom('task-1', 'task-2')),
    milestone: mostly(fc.constantFrom('m-1', 'm-2')),
    created_date: mostly(fc.constantFrom('2026-01-01', '2026-01-01 10:00')),
  },
  { requiredKeys: ['id', 'title', 'status'] },
);

test('folders of Backlog.md with wrong values anywhere never throw, whatever the order of the files', () => {
  fc.assert(
    fc.property(fc.array(nearBacklogFile, { maxLength: 5 }), fc.string(), (fronts, body) => {
      const files = fronts.map((front, index) => ({
        fileName: index === 4 ? 'archive/x.md' : `${index}.md`,
        content: `---\n${Object.entries(front)
          .map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
          .join('\n')}\n---\n## Acceptance Criteria\n- [ ] #1 x\n${body}`,
      }));
      const result = readPlan({ folderName: 'backlog', files, format: 'backlog-md' });
      expectCoherent(result);
      expect(readPlan({ folderName: 'backlog', files: files.toReversed(), format: 'backlog-md' })).toEqual(
        result,
      );
    }),
    { numRuns: 300 },
  );
});

const nearPhases = fc.array(
  fc.record(
    { id: ids, parent: ids, after: fc.array(ids, { maxLength: 2 }), due: fc.constant('2026-12-01') },
    { requiredKeys: ['id'] },
  ),
  { maxLength: 4 },
);

test('phases of any shape never throw, and no task starts before the last task of a phase it comes after', () => {
  fc.assert(
    fc.property(
      nearPhases,
      fc.array(
        fc.record(
          { phase: ids, parent: fc.nat(5), dependsOn: fc.array(fc.nat(5), { maxLength: 2 }) },
          { requiredKeys: [] },
        ),
        { maxLength: 6 },
      ),
      (phases, list) => {
        const known = new Set(phases.map(({ id }) => String(id)));
        const tasks = list.map(({ phase, parent, dependsOn = [] }, id) => ({
          id,
          title: 'T',
          dependsOn: dependsOn.filter((other) => other < id),
          ...(parent !== undefined && parent < id ? { parent } : {}),
          ...(phase !== undefined && known.has(String(phase)) ? { phase } : {}),
        }));
        const result = readPlan({
          fileName: 'plan.json',
          content: JSON.stringify({ version: 1, name: 'P', phases, tasks }),
        });
        expectCoherent(result);
        if (result.plan === null || result.problems.length > 0) return;
        const { plan } = result;
        const reached = (from: string): Set<string> => {
          const seen = new Set<string>();
          const stack = [from];
          for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
            for (const other of plan.tasks.find(({ sourceId }) => sourceId === id)?.dependsOn ?? []) {
              if (!seen.has(other)) stack.push(other);
              seen.add(other);
            }
          }
          return seen;
        };
        const chain = (start: string | null) => {
          const all: string[] = [];
          for (let id = start; id !== null; id = plan.phases.find((phase) => phase.id === id)?.parent ?? null)
            all.push(id);
          return all;
        };
        for (const task of plan.tasks) {
          const before = reached(task.sourceId);
          const after = chain(task.phase).flatMap(
            (id) => phases.find((phase) => String(phase.id) === id)?.after ?? [],
          );
          for (const other of plan.tasks) {
            if (after.some((id) => chain(other.phase).includes(String(id))))
              expect(before.has(other.sourceId)).toBe(true);
          }
        }
      },
    ),
    { numRuns: 1_000 },
  );
});
