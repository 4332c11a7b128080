import { expect, test } from 'vitest';
import { readPlan } from '../../src/plans/index.js';
import { requirePlan } from './readFixture.js';

const count = 100_000;
// Far above what it takes (some 2 s), far below what anything quadratic would take (hours).
const limitMs = 60_000;

function writePlan(makeTask: (index: number) => object): string {
  const tasks = Array.from({ length: count }, (_, i) =>
    JSON.stringify({ id: `t${i}`, title: `Task ${i}`, ...makeTask(i) }),
  );
  return `{"version":1,"name":"Large","tasks":[\n${tasks.join(',\n')}\n]}`;
}

test('a chain of 100,000 tasks, each the parent of the next, is read in linear time without recursion', {
  timeout: limitMs,
}, () => {
  const content = writePlan((i) => (i === 0 ? {} : { parent: `t${i - 1}` }));
  const plan = requirePlan(readPlan({ fileName: 'plan.json', content }));
  expect(plan.tasks.at(-2)?.dependsOn).toEqual([`t${count - 1}`]);
  expect(plan.tasks.at(-1)?.line).toBe(count + 1);
});

test('a chain of 100,000 dependencies is read, and a cycle through all of them is found', {
  timeout: limitMs,
}, () => {
  const chain = (first: string[]) => writePlan((i) => ({ dependsOn: i === 0 ? first : [`t${i - 1}`] }));
  expect(requirePlan(readPlan({ fileName: 'plan.json', content: chain([]) })).tasks).toHaveLength(count);
  const { plan, problems } = readPlan({ fileName: 'plan.json', content: chain([`t${count - 1}`]) });
  expect(plan).toBeNull();
  expect(problems).toMatchObject([{ code: 'CYCLE', line: 2 }]);
  expect(problems[0]?.message).toContain('t0 (line 2) → t99999 (line 100001) → t99998 (line 100000)');
  expect(problems[0]?.message).toContain('… 99,981 more …');
});

test('100,000 wrong tasks are all reported with their lines', { timeout: limitMs }, () => {
  const { problems } = readPlan({ fileName: 'plan.json', content: writePlan(() => ({ due: 'never' })) });
  expect(problems).toHaveLength(count);
  expect(problems.at(-1)).toMatchObject({ code: 'FIELD_INVALID', line: count + 1 });
});

test('parents that would hand down billions of dependencies are refused instead of filling the memory', {
  timeout: limitMs,
}, () => {
  const half = count / 2;
  const all = Array.from({ length: half }, (_, i) => `t${i + 1}`);
  const content = writePlan((i) => (i === 0 ? { dependsOn: all } : i > half ? { parent: 't0' } : {}));
  const { plan, problems } = readPlan({ fileName: 'plan.json', content });
  expect(plan).toBeNull();
  expect(problems).toMatchObject([{ code: 'DEPENDENCIES_TOO_MANY' }]);
});

test('one text of 40 MB in a JSON plan is refused for its size, not by a crash', { timeout: limitMs }, () => {
  const content = `{"version":1,"name":"P","tasks":[{"id":"a","title":"A","description":"${'x\\n'.repeat(13_000_000)}"}]}`;
  expect(readPlan({ fileName: 'plan.json', content }).problems).toMatchObject([
    { code: 'FIELD_INVALID', line: 1 },
  ]);
});
