import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { overlayDeadlines, readPlan } from '../../src/plans/index.js';
import { requirePlan } from './readFixture.js';

const folder =
  process.env.NEOLITH_PLANS ?? fileURLToPath(new URL('../../../../../shared/plans', import.meta.url));
const file = join(folder, 'beads-issues.jsonl');
const isThere = existsSync(file);
const why = isThere ? '' : ` (skipped: ${file} is not there; NEOLITH_PLANS names its folder)`;

interface Row {
  id: string;
  status: string;
  priority: number;
  parent?: string;
  dependencies?: { type: string; depends_on_id: string }[];
}

/** The expected numbers, worked out without any of the code under test. */
function countPlainly(rows: Row[]) {
  const ids = new Set(rows.map(({ id }) => id));
  const edges = rows.flatMap(({ id, dependencies = [] }) =>
    dependencies.map(({ type, depends_on_id: to }) => ({ from: id, type, to })),
  );
  const kept = edges.filter(({ to }) => ids.has(to));
  return {
    edges,
    blocks: kept.filter(({ type }) => type === 'blocks'),
    parentChild: kept.filter(({ type }) => type === 'parent-child'),
    dangling: edges.filter(({ to }) => !ids.has(to)),
  };
}

/** Longest chain of prerequisites, by going over all tasks until nothing changes. */
function measureDepth(tasks: readonly { sourceId: string; dependsOn: readonly string[] }[]): number {
  const depth = new Map<string, number>(tasks.map(({ sourceId }) => [sourceId, 0]));
  for (let changed = true; changed; ) {
    changed = false;
    for (const { sourceId, dependsOn } of tasks) {
      const next = dependsOn.reduce((most, id) => Math.max(most, (depth.get(id) ?? 0) + 1), 0);
      if (next > (depth.get(sourceId) ?? 0)) {
        depth.set(sourceId, next);
        changed = true;
      }
    }
  }
  return Math.max(...depth.values());
}

describe.skipIf(!isThere)(`the real backlog of 704 issues${why}`, () => {
  const content = isThere ? readFileSync(file) : Buffer.alloc(0);
  const lines = content
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
  const rows = lines.map((line): Row => JSON.parse(line));
  const plain = countPlainly(rows);
  const result = readPlan({ fileName: 'beads-issues.jsonl', content });

  test('every row becomes a task', () => {
    const plan = requirePlan(result);
    expect(plan.tasks.map(({ sourceId }) => sourceId)).toEqual(rows.map(({ id }) => id));
    expect(plan.tasks).toHaveLength(704);
    expect(result.counts.statuses).toEqual({ open: 301, done: 403, cancelled: 0 });
    expect(result.counts.priorities).toEqual({ CRITICAL: 1, HIGH: 58, MEDIUM: 619, LOW: 26 });
    expect(result.counts.missingPriorities).toBe(0);
  });

  test('every edge is a dependency, a parent, a notice or a warning', () => {
    expect(result.counts.source).toEqual({
      edges: 745,
      edgeTypes: { blocks: 377, 'parent-child': 359, 'discovered-from': 7, tracks: 2 },
      danglingEdges: 30,
      statuses: { open: 291, closed: 403, hooked: 4, in_progress: 3, pinned: 3 },
    });
    expect(plain.edges).toHaveLength(745);
    expect(plain.dangling).toHaveLength(30);
    expect(result.counts.problems).toEqual({
      DEPENDENCY_UNKNOWN: 21,
      PARENT_UNKNOWN: 5,
      PARENT_EXTRA: 1,
      EDGE_NOT_DEPENDENCY: 9,
      STATUS_MAPPED: 10,
    });
  });

  test('each dangling edge is reported in the line of its row', () => {
    const lineOf = new Map(rows.map(({ id }, index) => [id, index + 1]));
    const expected = plain.dangling.map(({ from }) => lineOf.get(from) ?? 0).sort((a, b) => a - b);
    const reported = result.problems
      .filter(({ message }) => /which is not in the (?:plan|file)/.test(message))
      .map(({ line }) => line);
    expect(reported).toEqual(expected);
  });

  test('dependencies are the blocks edges, and those that follow from parents by the rule', () => {
    const plan = requirePlan(result);
    const parentOf = new Map(plain.parentChild.map(({ from, to }) => [from, to]));
    const isInside = (id: string, ancestor: string): boolean => {
      for (let up: string | undefined = id; up !== undefined; up = parentOf.get(up))
        if (up === ancestor) return true;
      return false;
    };
    const expected = new Set([
      ...plain.blocks.map(({ from, to }) => `${from} ${to}`),
      ...plain.parentChild.map(({ from, to }) => `${to} ${from}`),
    ]);
    for (const { id } of rows) {
      for (let up = parentOf.get(id); up !== undefined; up = parentOf.get(up)) {
        for (const { from, to } of plain.blocks) {
          if (from === up && !isInside(to, up) && to !== id) expected.add(`${id} ${to}`);
        }
      }
    }
    const pairs = plan.tasks.flatMap(({ sourceId, dependsOn }) => dependsOn.map((id) => `${sourceId} ${id}`));
    expect(pairs.sort()).toEqual([...expected].sort());
    expect(result.counts.dependencies).toEqual({
      total: 710,
      written: 356,
      closesLast: 354,
      inherited: 0,
      afterPhases: 0,
      contradicting: 0,
    });
    expect(measureDepth(plan.tasks)).toMatchInlineSnapshot(`11`);
  });

  test('strictly read it is refused for its 26 dangling dependencies and parents', () => {
    const strict = readPlan({ fileName: 'beads-issues.jsonl', content, options: { strict: true } });
    expect(strict.plan).toBeNull();
    expect(strict.counts.severities.error).toBe(26);
  });

  test('the overlay gives its tasks every priority and every kind of due date', () => {
    const now = new Date('2026-03-01T12:00:00Z');
    const plan = overlayDeadlines(requirePlan(result), { seed: 1, now });
    expect(new Set(plan.tasks.map(({ priority }) => priority)).size).toBe(4);
    expect(plan.tasks.filter(({ dueAt }) => dueAt !== null && dueAt < now).length).toBeGreaterThan(70);
    expect(plan.tasks.filter(({ dueAt }) => dueAt === null).length).toBeGreaterThan(100);
  });
});
