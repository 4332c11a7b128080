import { describe, expect, test } from 'vitest';
import { formatPlanYaml, readPlan, toWrittenPlan } from '../../src/plans/index.js';
import { findTask, listProblems, requirePlan } from './readFixture.js';

const resourcesOf = (fileName: string, content: string) => {
  const result = readPlan({ fileName, content });
  expect(listProblems(result)).toEqual([]);
  return Object.fromEntries(requirePlan(result).tasks.map(({ title, resources }) => [title, resources]));
};

describe('a plan names resources', () => {
  const yaml = `version: 1
name: Plan
defaults:
  resources: [shared path:docs/]
tasks:
  - id: a
    title: A
    resources: [path:./src/api/**, shared db-schema, { resource: port:3000, mode: shared }]
  - id: b
    title: B
`;

  test('in YAML, with those of the defaults, in their one way of being written', () => {
    expect(resourcesOf('plan.yaml', yaml)).toEqual({
      A: ['shared path:docs/**', 'exclusive path:src/api/**', 'shared db-schema', 'shared port:3000'],
      B: ['shared path:docs/**'],
    });
  });

  test('and they survive being written and read again', () => {
    const plan = requirePlan(readPlan({ fileName: 'plan.yaml', content: yaml }));
    expect(resourcesOf('plan.yaml', formatPlanYaml(toWrittenPlan(plan)))).toEqual(
      resourcesOf('plan.yaml', yaml),
    );
  });

  test('in Markdown, a heading for everything below it', () => {
    const markdown = `# Plan

## Phase one
resources: shared db-schema

- [ ] A (resources: \`path:src/**\`, port:3000)
- [ ] B
  - locks: gpu
`;
    expect(resourcesOf('plan.md', markdown)).toEqual({
      A: ['shared db-schema', 'exclusive path:src/**', 'exclusive port:3000'],
      B: ['shared db-schema', 'exclusive gpu'],
    });
  });

  test('one that can not be read is an error with its place, in Markdown a warning', () => {
    const result = readPlan({
      fileName: 'plan.yaml',
      content: yaml.replace('path:./src/api/**', 'path:/etc'),
    });
    expect(listProblems(result).join('\n')).toMatch(/resources.*(root|repository)/);
    const dirty = readPlan({ fileName: 'plan.md', content: '# Plan\n\n- [ ] A\n  - resources: two words\n' });
    expect(listProblems(dirty).join('\n')).toContain('VALUE_INVALID');
    expect(findTask(requirePlan(dirty), 'a').resources).toEqual([]);
  });
});
