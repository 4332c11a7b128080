import { describe, expect, test } from 'vitest';
import { readPlan } from '../../src/plans/index.js';
import { findTask, listProblems, readFixture, requirePlan } from './readFixture.js';

const read = (...lines: string[]) => readPlan({ fileName: 'plan.md', content: lines.join('\n') });
const plan = (...lines: string[]) => requirePlan(read(...lines));
const ids = (...lines: string[]) => plan(...lines).tasks.map(({ sourceId }) => sourceId);
const only = (line: string) => {
  const [task] = plan(line).tasks;
  if (task === undefined) throw new Error(`No task in ${line}.`);
  return task;
};
const endOf = (day: string) => new Date(`${day}T23:59:59.999Z`);

describe('tasks of a Markdown plan', () => {
  test.each([
    ['- [ ] Title', 'open'],
    ['* [x] Title', 'done'],
    ['+ [X] Title', 'done'],
    ['1. [-] Title', 'cancelled'],
    ['1) [ ] ~~Title~~', 'cancelled'],
    ['- [] Title', 'open'],
    ['- [/] Title', 'open'],
  ])('%s is %s', (line, status) => {
    expect(only(line)).toMatchObject({ title: 'Title', status, sourceId: 'title' });
  });

  test.each([
    ['- [ ] T1: Title', 'T1', 'Title'],
    ['- [ ] **T1** Title', 'T1', 'Title'],
    ['- [ ] **T1:** Title', 'T1', 'Title'],
    ['- [ ] **T1: Title**', 'T1', 'Title'],
    ['- [ ] [API-12] Title', 'API-12', 'Title'],
    ['- [ ] `x`: Title', 'x', 'Title'],
    ['- [ ] `set-up` Title', 'set-up', 'Title'],
    ['- [ ] Title (id: x)', 'x', 'Title'],
    ['- [ ] Title <!-- id: x -->', 'x', 'Title'],
    ['- [ ] Title\n  <!-- id: x -->', 'x', 'Title'],
    ['- [ ] Title\n  - id: x', 'x', 'Title'],
    ['- [ ] 1.2 Title', '1.2', 'Title'],
    ['- [ ] 3. Title', '3', 'Title'],
    ['- [ ] T001 [P1] Title', 'T001', 'Title'],
    ['- [ ] Task 7: Title', 'task-7', 'Title'],
    ['- [ ] FR-1.2 — Title', 'FR-1.2', 'Title'],
    ['- [ ] OAuth2: log in', 'oauth2-log-in', 'OAuth2: log in'],
    ['- [ ] Note: write it down', 'note-write-it-down', 'Note: write it down'],
    ['- [ ] `README.md` needs care', 'readme-md-needs-care', '`README.md` needs care'],
    ['- [ ] Взять паспорт №2', 'взять-паспорт-2', 'Взять паспорт №2'],
    ['- [ ] 🎉', expect.stringMatching(/^task-[a-z\d]+$/), '🎉'],
  ])('%s has the id %s', (line, sourceId, title) => {
    expect(only(line)).toMatchObject({ sourceId, title });
  });

  test.each([
    ['- [ ] Title priority: high', { priority: 'HIGH' }],
    ['- [ ] Title (priority: P0, due: 2026-12-01)', { priority: 'CRITICAL', dueAt: endOf('2026-12-01') }],
    ['- [ ] Title !low', { priority: 'LOW' }],
    ['- [ ] [P1] Title', { priority: 'HIGH' }],
    ['- [ ] P0 Title', { priority: 'CRITICAL' }],
    ['- [ ] Title P3', { priority: 'LOW' }],
    ['- [ ] Title ⏫ 📅 2026-12-01', { priority: 'HIGH', dueAt: endOf('2026-12-01') }],
    ['- [ ] Title due: 2026-12-01T10:00:00+01:00', { dueAt: new Date('2026-12-01T09:00:00Z') }],
    ['- [ ] Title | **Due:** 2026-12-01 | *Priority*: Low', { dueAt: endOf('2026-12-01'), priority: 'LOW' }],
    ['- [ ] Title #a #b/c', { tags: ['a', 'b/c'] }],
    ['- [ ] Title tags: a, b #c', { tags: ['a', 'b', 'c'] }],
    ['- [ ] Title estimate: 1h 30m', { estimateMinutes: 90 }],
    ['- [ ] Title (2h)', { estimateMinutes: 120 }],
    ['- [ ] Title ~1.5d', { estimateMinutes: 720 }],
    ['- [ ] Title {timeout: 30m; attempts: 2}', { timeoutSeconds: 1800, maxAttempts: 2 }],
    ['- [ ] Title assignee: Ada, agent: claude', { orchestrator: 'Ada', metadata: { agent: 'claude' } }],
    ['- [ ] Title\n  Priority: high\n  More.', { priority: 'HIGH', description: 'More.' }],
    [
      '- [ ] Title\n\n  - **Due**: 2026-12-01\n  - More',
      { dueAt: endOf('2026-12-01'), description: '- More' },
    ],
    [
      '- [ ] Title\n  - AC: it works\n  - Done when: it is fast',
      { acceptanceCriteria: ['it works', 'it is fast'] },
    ],
    ['- [ ] Title\n\n  Acceptance criteria:\n\n  - [ ] one\n  - two', { acceptanceCriteria: ['one', 'two'] }],
  ])('%s says it', (line, expected) => {
    expect(only(line)).toMatchObject({ title: 'Title', ...expected });
    expect(read(line).problems).toEqual([]);
  });

  test.each([
    '- [ ] Handle `due: never` in (other) text',
    '- [ ] Fix issue #12 and wait 2h',
    '- [ ] See http://example.org/a:b at 10:30',
    '- [ ] Ship version 2.0 [beta]',
  ])('%s keeps its words', (line) => {
    expect(only(line)).toMatchObject({
      title: line.slice(6),
      priority: 'MEDIUM',
      dueAt: null,
      tags: [],
      estimateMinutes: null,
    });
  });

  test('a tag in a sentence stays a word of it, and links keep their address in the description', () => {
    expect(only('- [ ] Fix the #parser bug')).toMatchObject({
      title: 'Fix the #parser bug',
      tags: ['parser'],
    });
    expect(only('- [ ] Read [the *page*](http://a.b/c)')).toMatchObject({
      title: 'Read the page',
      description: 'Read [the *page*](http://a.b/c)',
    });
  });

  test('nested check boxes are subtasks, nested bullets and text the description', () => {
    const { tasks } = plan(
      '- [ ] A1: Parent',
      '  Some text',
      '  over lines.',
      '  - a bullet',
      '    - below it',
      '  - [ ] Child',
      '    - [x] A1.1: Grandchild',
      '  - Group:',
      '    - [ ] In a group',
      '',
      '  ```js',
      '  - [ ] code',
      '  ```',
    );
    expect(tasks.map(({ sourceId, parentSourceId, status }) => [sourceId, parentSourceId, status])).toEqual([
      ['A1', null, 'open'],
      ['A1/child', 'A1', 'open'],
      ['A1.1', 'A1/child', 'done'],
      ['A1/in-a-group', 'A1', 'open'],
    ]);
    expect(tasks[0]?.description).toBe(
      'Some text\nover lines.\n\n- a bullet\n  - below it\n- Group:\n\n```js\n- [ ] code\n```',
    );
  });

  test('made ids come from heading and title alone, so that a second import finds the tasks again', () => {
    const first = ids(
      '# Plan',
      '## Set up',
      '- [ ] Install Node',
      '  - [ ] Check it',
      '## Build',
      '- [ ] Compile',
    );
    expect(first).toEqual(['set-up/install-node', 'set-up/install-node/check-it', 'build/compile']);
    const second = ids(
      '# Plan',
      '## Build',
      '- [x] Compile (priority: high) #now',
      '## Set up',
      'due: 2027-01-01',
      '- [ ] Something new',
      '- [-] *Install Node*, depends on: Something new',
      '    - [ ] Check it',
    );
    expect(second).toEqual(expect.arrayContaining(first));
  });
});

test('a counted id is never one that is written in the file', () => {
  expect(ids('- [ ] Same', '- [ ] Same', '- [ ] Other (id: same-2)', '- [ ] Same')).toEqual([
    'same',
    'same-3',
    'same-2',
    'same-4',
  ]);
});

describe('dependencies of a Markdown plan', () => {
  const base = [
    '## Phase 1: Ground',
    '- [ ] T1: Dig a hole',
    '- [ ] Pour concrete',
    '## Phase 2',
    '- [ ] Other',
  ];
  test.each([
    ['depends on: T1', ['T1']],
    ['after: t1', ['T1']],
    ['depends-on: `T1`, **Pour concrete**', ['T1', 'phase-1-ground/pour-concrete']],
    ['blocked by: Dig a hole and pour concrete', ['T1', 'phase-1-ground/pour-concrete']],
    ['depends: [T1; "Pour concrete"]', ['T1', 'phase-1-ground/pour-concrete']],
    ['requires: T1 (the hole) & phase-1-ground/pour-concrete', ['T1', 'phase-1-ground/pour-concrete']],
    ['depends on: Phase 1', ['T1', 'phase-1-ground/pour-concrete']],
    ['after: Phase 1: Ground, T1', ['T1', 'phase-1-ground/pour-concrete']],
    ['after: previous', ['phase-2/other']],
    ['(depends on T1)', ['T1']],
    ['depends on: none', []],
    ['⛔ T1', ['T1']],
  ])('%s', (words, expected) => {
    const result = read(...base, `- [ ] Last ${words}`);
    expect(listProblems(result)).toEqual([]);
    expect(findTask(requirePlan(result), 'phase-2/last').dependsOn).toEqual(expected);
  });

  test('numbers mean the items of the same list', () => {
    const { tasks } = plan(
      '## A',
      '1. [ ] One',
      '2. [ ] Two, after: 1',
      '## B',
      '1. [ ] Three',
      '2. [ ] Four (depends on: 1)',
    );
    expect(tasks.map(({ dependsOn }) => dependsOn)).toEqual([[], ['a/one'], [], ['b/three']]);
  });

  test('a phase waits for a phase or a task, and in a sequential plan for the one before', () => {
    const after = plan(
      '## A',
      '- [ ] One',
      '## B',
      '- after: A',
      '- [ ] Two',
      '  - [ ] Part',
      '## C (after: Two)',
      '- [ ] Three',
    );
    expect(after.tasks.map(({ sourceId, dependsOn }) => [sourceId, dependsOn])).toEqual([
      ['a/one', []],
      ['b/two', ['b/two/part', 'a/one']],
      ['b/two/part', ['a/one']],
      ['c/three', ['b/two']],
    ]);
    const sequential = plan(
      '---',
      'sequential: true',
      '---',
      '## A',
      '- [ ] One',
      '## Notes',
      'text',
      '## B',
      '- [ ] Two',
      '### C',
      '- [ ] Three',
      '### D',
      '- [ ] Four',
    );
    expect(sequential.tasks.map(({ dependsOn }) => dependsOn)).toEqual([
      [],
      ['a/one'],
      ['a/one'],
      ['a/one', 'c/three'],
    ]);
  });

  test('nothing waits for what is cancelled, unless the file says so', () => {
    const { tasks } = plan(
      '## A',
      '- [-] Gone',
      '- [ ] Parent',
      '  - [-] Gone too',
      '## B',
      'after: A',
      '- [ ] Last',
    );
    expect(findTask({ ...plan('- [ ] x'), tasks }, 'b/last').dependsOn).toEqual(['a/parent']);
    expect(tasks.find(({ sourceId }) => sourceId === 'a/parent')?.dependsOn).toEqual([]);
  });

  test('a cancelled task that waits for an open one does not hide it from what comes after the phase', () => {
    const { tasks } = plan('## A', '- [ ] Real', '- [-] Gone, after: Real', '## B', 'after: A', '- [ ] Last');
    expect(tasks.find(({ sourceId }) => sourceId === 'b/last')?.dependsOn).toEqual(['a/real']);
  });

  test('what names nothing, or several things, is an error with line, column and what may have been meant', () => {
    const result = read(
      '## A',
      '- [ ] T1: Dig',
      '- [ ] Paint',
      '## B',
      '- [ ] Paint',
      '## C',
      'after: D',
      '- [ ] Last depends on: T1, Pait, Paint, T9',
      '- [ ] T2: Self (depends on: T2)',
    );
    expect(listProblems(result)).toEqual([
      '7:8 error DEPENDENCY_UNKNOWN Phase C depends on "D", which is neither the id nor the title of a task, nor a phase of this plan; add that task or remove the dependency.',
      '8:28 error DEPENDENCY_UNKNOWN c/last depends on "Pait", which is neither the id nor the title of a task, nor a phase of this plan; did you mean "Paint"?',
      '8:34 error DEPENDENCY_AMBIGUOUS c/last depends on "Paint", which names several tasks or phases; give the one you mean an id and name that.',
      '8:41 error DEPENDENCY_UNKNOWN c/last depends on "T9", which is neither the id nor the title of a task, nor a phase of this plan; add that task or remove the dependency.',
      "9:29 error DEPENDENCY_SELF T2 depends on itself, which can't be kept; remove the dependency.",
    ]);
    expect(result.plan).toBeNull();
  });

  test('circles are named with their lines, of tasks and of phases', () => {
    expect(listProblems(read('- [ ] T1: A, after: T2', '- [ ] T2: B, after: T1'))).toEqual([
      '1:21 error CYCLE These tasks wait for one another: T1 (line 1) → T2 (line 2) → T1 (line 1); remove one of these dependencies.',
    ]);
    expect(listProblems(read('## A', 'after: B', '- [ ] x', '## B', 'after: A', '- [ ] y'))).toEqual([
      '2:8 error CYCLE These phases wait for one another, or lie in one another: A (line 1) → B (line 4) → A (line 1); remove one of these links.',
    ]);
  });

  test('two tasks with one id are an error that names both lines', () => {
    expect(listProblems(read('- [ ] T1: A', '', '- [ ] T1: B'))).toEqual([
      '3:7 error ID_DUPLICATE Two tasks have the id T1, in lines 1 and 3; the one in line 1 counts. Give each its own id.',
    ]);
  });
});

describe('phases and front matter', () => {
  test('what headings say holds for the tasks below, from the inside out', () => {
    const result = plan(
      '# Plan (due: 2027-06-30, priority: low) #all',
      '- [ ] Loose',
      '## Outer',
      '',
      '**Due:** 2026-12-01 | **Owner:** Ada',
      '',
      '### Inner !critical #in',
      '<!-- due: 2026-11-25; timeout: 1h -->',
      '- [ ] Deep',
      '- [ ] Own (due: 2026-11-01, priority: medium, assignee: Bob)',
      '  - [ ] Child',
      '## Next',
      '- [ ] Late',
    );
    const about = result.tasks.map(({ title, dueAt, priority, orchestrator, tags, timeoutSeconds }) =>
      [title, dueAt?.toISOString().slice(0, 10), priority, orchestrator, tags.join(' '), timeoutSeconds].join(
        '|',
      ),
    );
    expect(about).toEqual([
      'Loose|2027-06-30|LOW||all|',
      'Deep|2026-11-25|CRITICAL|Ada|all in phase:inner|3600',
      'Own|2026-11-01|MEDIUM|Bob|all in phase:inner|3600',
      'Child|2026-11-01|MEDIUM|Bob|all in phase:inner|3600',
      'Late|2027-06-30|LOW||all phase:next|',
    ]);
    expect(result.name).toBe('Plan');
    expect(findTask(result, 'inner/deep').metadata).toEqual({ phase: 'Outer / Inner' });
  });

  test('front matter gives name, defaults and the run', () => {
    const result = plan(
      '---',
      'name: A Plan',
      'description: What for',
      'due: 2026-12-01',
      'priority: P1',
      'tags: [a]',
      'defaults: { maxAttempts: 2 }',
      'timeout: 5',
      'run: { waves: strict, maxConcurrentTasks: 2 }',
      '---',
      '# Other name',
      '- [ ] Task',
    );
    expect(result).toMatchObject({
      name: 'A Plan',
      description: 'What for',
      run: { waves: 'strict', maxConcurrentTasks: 2 },
    });
    expect(result.tasks[0]).toMatchObject({
      priority: 'HIGH',
      dueAt: endOf('2026-12-01'),
      tags: ['a'],
      maxAttempts: 2,
      timeoutSeconds: 300,
    });
  });

  test('front matter that is wrong is an error at its place', () => {
    expect(
      listProblems(read('---', 'due: soon', 'run:', '  waves: hard', 'mood: good', '---', '- [ ] T')),
    ).toEqual([
      '2:1 error FIELD_INVALID The plan: "defaults.due" must be a date (2026-11-20) or a date-time with its offset (2026-11-20T17:00:00+01:00), year 1970 to 9999, not "soon".',
      '4:3 error FIELD_INVALID The plan: "run.waves" must be off or strict, not "hard".',
      '5:1 notice FIELD_IGNORED The field "mood" of the front matter means nothing here.',
    ]);
    expect(read('---', 'a: [', '---', '- [ ] T').problems[0]).toMatchObject({ code: 'SYNTAX_INVALID' });
    expect(listProblems(read('---', '- x', '---', '- [ ] T'))).toEqual([
      '2:1 error TOP_LEVEL_INVALID The front matter of plan.md is a list; write it as fields, such as "name: My plan".',
    ]);
  });
});

describe('PRDs without check boxes', () => {
  test('lists under headings such as requirements are tasks, others are not, and a notice says so', () => {
    const result = read(
      '# The product',
      '',
      'Why we do it.',
      '',
      '## Overview',
      '- no task',
      '## Requirements',
      '1. **FR-1**: Users can log in (priority: high)',
      '   - with a password',
      '2. Users can log out, depends on: FR-1',
      '## Milestones',
      '### First (due: 2026-12-01)',
      '- Ship it',
      '### Out of scope',
      '- Fly',
    );
    expect(listProblems(result)).toEqual([
      '8:4 notice TASKS_FROM_LISTS plan.md has no check boxes; 3 items of lists under headings such as tasks or requirements are taken as tasks. Write "- [ ]" before what is one.',
    ]);
    const { tasks, description, name } = requirePlan(result);
    expect({ name, description }).toEqual({ name: 'The product', description: 'Why we do it.' });
    expect(tasks.map(({ sourceId, dependsOn, description: text }) => [sourceId, dependsOn, text])).toEqual([
      ['FR-1', [], '- with a password'],
      ['requirements/users-can-log-out', ['FR-1'], null],
      ['first/ship-it', [], null],
    ]);
  });

  test('a table with a column of tasks and one of what we know is a list of tasks', () => {
    const result = read(
      '## Sprint',
      '| ID | Task | Depends on | Prio | Estimate | Owner | Status | Notes |',
      '|----|------|------------|------|---------:|-------|--------|-------|',
      '| T1 | Do *it* | - | P1 | 2h | Ada | done | a \\| b |',
      '| T2 | Do that | T1 | low | 1d | | to do | |',
      '| T3 | Late | T1, T7 | | | | asleep | |',
    );
    expect(listProblems(result)).toEqual([
      '6:19 error DEPENDENCY_UNKNOWN T3 depends on "T7", which is neither the id nor the title of a task, nor a phase of this plan; add that task or remove the dependency.',
      '6:30 warning STATUS_UNKNOWN "Late" has the unknown status "asleep"; it counts as open.',
    ]);
    const fixed = plan(
      '| ID | Task | After | Prio | Notes |',
      '|-|-|-|-|-|',
      '| T1 | Do *it* | - | P1 | a \\| b |',
      '| T2 | Do that | T1 | | |',
    );
    expect(fixed.tasks).toMatchObject([
      { sourceId: 'T1', title: 'Do it', priority: 'HIGH', description: 'a | b' },
      { sourceId: 'T2', dependsOn: ['T1'], priority: 'MEDIUM' },
    ]);
  });

  test('a file without anything that is a task says how to write one', () => {
    expect(listProblems(read('# Thoughts', '', '- one'))).toEqual([
      '1 error TASKS_EMPTY There is no task in plan.md; write tasks as "- [ ] title", or as a list under a heading such as Tasks or Requirements.',
    ]);
  });
});

describe('dirty Markdown', () => {
  test('byte order mark, CRLF, tabs, emoji, twins and wrong values are read or reported with line and column', () => {
    const result = readFixture('dirty/plan.md');
    expect(listProblems(result)).toMatchInlineSnapshot(`
      [
        "6:1 notice FIELD_IGNORED The field "mood" of the front matter means nothing here.",
        "20:35 warning TIME_INVALID due of "Walls" is "tomorrow", not a date (2026-11-20) or a date-time with its offset (2026-11-20T17:00:00+01:00); it counts as not given.",
        "21:3 notice ITEM_EMPTY This check box has no text and is no task; write one or remove it.",
        "23:7 warning ID_COUNTED Another task with the title "Same" stands in the same place; this one is called build-it/same-2, by its turn. Give both an id to tell them apart for good.",
        "24:3 notice STATUS_MAPPED "Roof" is marked [~], which counts as open here.",
        "30:33 warning PRIORITY_INVALID priority of "Ship" is "asap", not critical, high, medium, low or P0 to P4; it counts as not given.",
        "30:49 warning VALUE_INVALID estimate of "Ship" is "long", not a time such as 30m, 2h or 1d; it counts as not given.",
      ]
    `);
    expect(
      requirePlan(result).tasks.map(
        ({ sourceId, dependsOn, line }) => `${line} ${sourceId} <- ${dependsOn.join(', ')}`,
      ),
    ).toMatchInlineSnapshot(`
      [
        "15 B1 <- B1/pour-the-concrete, B1/order-the-steel",
        "16 B1/pour-the-concrete <- ",
        "17 B1/order-the-steel <- ",
        "20 B1b <- B1",
        "22 build-it/same <- ",
        "23 build-it/same-2 <- ",
        "24 build-it/roof <- B1b, B1/pour-the-concrete",
        "30 ship-it <- ship-it/not-so-deep, build-it/same, build-it/same-2, build-it/roof",
        "32 ship-it/not-so-deep <- build-it/same, build-it/same-2, build-it/roof",
      ]
    `);
  });

  test('large, deep and hostile files take no more than a moment, and never throw', () => {
    const texts = [
      '- [ ] T: '.repeat(2_000),
      '> '.repeat(20_000),
      `${Array.from({ length: 300 }, (_, depth) => `${'  '.repeat(depth)}- [ ] a`).join('\n')}`,
      `- [ ] ${'(due: '.repeat(20_000)}`,
      `- [ ] ${'a '.repeat(2_000)}#${'b'.repeat(2_000)}`,
      `- [ ] ${'`'.repeat(4_000)} due: ${'*'.repeat(900)}`,
      `${'#'.repeat(7)} ${'[x]('.repeat(20_000)}`,
      `|${'a|'.repeat(2_000)}\n|${'-|'.repeat(2_000)}\n|${'b|'.repeat(2_000)}`,
      '- [ ] a\n  - b\n'.repeat(20_000),
      '## A\nafter: A\n- [ ] x\n'.repeat(3_000),
      `- [ ] ${'['.repeat(300_000)}`,
      `- [ ] ${'[](x'.repeat(100_000)}`,
      `- [ ] a\n  - ${' '.repeat(300_000)}b\n\n  c`,
      `- [ ] ${'~'.repeat(300_000)} ${'-'.repeat(300_000)} x`,
      `- [ ] x\n  ${'due: '.repeat(100_000)}`,
      `---\nname: x\n---\n${'# h\n- [ ] x, after: h\n'.repeat(2_000)}`,
    ];
    for (const content of texts) {
      const started = performance.now();
      readPlan({ fileName: 'plan.md', content });
      expect(performance.now() - started, content.slice(0, 30)).toBeLessThan(15_000);
    }
    expect(readPlan({ fileName: 'plan.md', content: '- [ ] a\n'.repeat(800_000) }).problems).toMatchObject([
      { code: 'FILE_TOO_LARGE' },
    ]);
  });
});
