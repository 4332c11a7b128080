import { expect, test } from 'vitest';
import { readPlan } from '../../src/plans/index.js';
import { findTask, listProblems, requirePlan } from './readFixture.js';

const yaml = (content: string) =>
  readPlan({ fileName: 'plan.yaml', content: `version: 1\nname: Plan\n${content}` });

test('waits of a plan hold for every task, field by field beneath its own, and for the run', () => {
  const result = yaml(`defaults: { backoff: { baseSeconds: 60, capSeconds: 100 } }
run: { backoff: { factor: 3 } }
tasks:
  - { id: plain, title: Plain }
  - { id: own, title: Own, backoff: { factor: 1 } }
  - { id: late, title: Late, backoff: { baseSeconds: 500 } }
`);
  expect(listProblems(result)).toEqual([]);
  const plan = requirePlan(result);
  expect(plan.run?.backoff).toEqual({ factor: 3 });
  expect(findTask(plan, 'plain').backoff).toEqual({ baseSeconds: 60, capSeconds: 100 });
  expect(findTask(plan, 'own').backoff).toEqual({ baseSeconds: 60, capSeconds: 100, factor: 1 });
  // The cap holds whatever the first wait would be.
  expect(findTask(plan, 'late').backoff).toEqual({ baseSeconds: 100, capSeconds: 100 });
});

test('a plan in Markdown has them in its front matter', () => {
  const result = readPlan({
    fileName: 'plan.md',
    content: '---\nname: Plan\nbackoff: { baseSeconds: 5 }\n---\n\n- [ ] One\n',
  });
  expect(requirePlan(result).tasks.map(({ backoff }) => backoff)).toEqual([{ baseSeconds: 5 }]);
});

test.each([
  ['{ factor: 0 }', /Task a: "backoff\.factor" must be a number from 1 to 10, not 0/],
  ['{ baseSeconds: 1.5 }', /"backoff\.baseSeconds" must be a whole number from 0 to 86400/],
  ['{ baseSeconds: 20, capSeconds: 10 }', /"backoff\.capSeconds" must not be below baseSeconds/],
  [
    '{ base: 20 }',
    /unknown field "base" in "backoff"\. Did you mean "baseSeconds"\?|unknown field "base" in "backoff"\. Known are baseSeconds, factor, capSeconds/,
  ],
  ['often', /"backoff" must be an object/],
])('backoff: %s is refused, with its place', (written, said) => {
  const problems = listProblems(yaml(`tasks:\n  - id: a\n    title: A\n    backoff: ${written}\n`));
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(said);
  expect(problems[0]).toMatch(/^6:5 error|^6:/);
});
