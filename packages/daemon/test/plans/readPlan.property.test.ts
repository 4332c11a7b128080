import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type PlanReadResult, readPlan } from '../../src/plans/index.js';

const fileNames = fc.constantFrom('plan.json', 'plan.yaml', 'issues.jsonl', 'plan', 'notes.md');

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
