/**
 * What kind of work a task is, as a closed vocabulary: two types are two only where somebody would send them to
 * different agents or tell them different things. So performance, security and accessibility are not among
 * them: they say what a change is about, and any of these may be about it (tags say that).
 *
 * Their order breaks ties.
 */
export const TASK_TYPES = [
  'bug',
  'feature',
  'refactor',
  'test',
  'docs',
  'infra',
  'research',
  'design',
  'chore',
] as const;
export type TaskType = (typeof TASK_TYPES)[number];

export const TASK_TYPE_MEANINGS: Readonly<Record<TaskType, string>> = {
  bug: 'something is wrong today and is put right, a failing test included',
  feature: 'people or programs can do something they could not, or do it better',
  refactor: 'the same behaviour by better code: structure, duplication, dead code, speed',
  test: 'the tests themselves: missing, slow, flaky, leaking',
  docs: 'what people or agents read',
  infra: 'build, packaging, continuous integration, deployment',
  research: 'a question is answered: an investigation, a review, a spike; no code need come of it',
  design: 'it is decided how something will be: a specification, a policy, a layout',
  chore: 'upkeep and operations: releases, archiving, versions of dependencies, patrols',
};

export const COMPLEXITIES = ['low', 'medium', 'high'] as const;
export type Complexity = (typeof COMPLEXITIES)[number];

/** How trackers and plans call the types; `task` and `epic` say nothing of the kind. */
export const DECLARED_TYPES: ReadonlyMap<string, TaskType> = new Map([
  ['bug', 'bug'],
  ['bugfix', 'bug'],
  ['defect', 'bug'],
  ['fix', 'bug'],
  ['incident', 'bug'],
  ['hotfix', 'bug'],
  ['feature', 'feature'],
  ['feat', 'feature'],
  ['enhancement', 'feature'],
  ['improvement', 'feature'],
  ['story', 'feature'],
  ['refactor', 'refactor'],
  ['refactoring', 'refactor'],
  ['cleanup', 'refactor'],
  ['perf', 'refactor'],
  ['tech-debt', 'refactor'],
  ['technical-debt', 'refactor'],
  ['test', 'test'],
  ['tests', 'test'],
  ['testing', 'test'],
  ['qa', 'test'],
  ['docs', 'docs'],
  ['doc', 'docs'],
  ['documentation', 'docs'],
  ['infra', 'infra'],
  ['infrastructure', 'infra'],
  ['devops', 'infra'],
  ['ci', 'infra'],
  ['build', 'infra'],
  ['deployment', 'infra'],
  ['packaging', 'infra'],
  ['docker', 'infra'],
  ['research', 'research'],
  ['spike', 'research'],
  ['investigation', 'research'],
  ['review', 'research'],
  ['design', 'design'],
  ['rfc', 'design'],
  ['decision', 'design'],
  ['chore', 'chore'],
  ['maintenance', 'chore'],
  ['housekeeping', 'chore'],
  ['dependencies', 'chore'],
  ['release', 'chore'],
]);
