import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type PlanReadResult, readPlan } from '../../src/plans/index.js';
import { findTask, requirePlan } from './readFixture.js';

function readFiles(files: Record<string, string>): PlanReadResult {
  return readPlan({
    folderName: 'work/backlog',
    files: Object.entries(files).map(([fileName, content]) => ({ fileName, content: Buffer.from(content) })),
  });
}

function listPlaces({ problems }: PlanReadResult): string[] {
  return problems.map(({ file, line, column, severity, code, message }) =>
    [`${file}:${line}${column === undefined ? '' : `:${column}`}`, severity, code, message].join(' '),
  );
}

const file = (front: string, body = '') => `---\n${front}\n---\n\n${body}`;

const whole = file(
  `id: shop-2
title: 'Pay: by card 💳'
status: In Progress
assignee:
  - '@ada'
created_date: '2026-07-11 13:23'
due_date: 2026-12-01
labels: [web, "pay,ment"]
dependencies: [SHOP-1, '01']
priority: high
milestone: m-1
ordinal: 2000`,
  `## Description

<!-- SECTION:DESCRIPTION:BEGIN -->
First line.

\`\`\`md
## Acceptance Criteria
- [ ] not one
\`\`\`
<!-- SECTION:DESCRIPTION:END -->

## Definition of Done
<!-- DOD:BEGIN -->
- [ ] #1 tests pass
<!-- DOD:END -->

## Acceptance Criteria
<!-- AC:BEGIN -->
- [ ] #1 A card
  is taken
- [x] #2 A receipt is sent
  - by mail
<!-- AC:END -->

## Implementation Plan

<!-- SECTION:PLAN:BEGIN -->
1. Think.
<!-- SECTION:PLAN:END -->
`,
);

describe('folders of Backlog.md', () => {
  test('each file with front matter is a task with everything it says', () => {
    const result = readFiles({
      'config.yml': 'project_name: "The Shop"\nstatuses: ["To Do"]\n',
      'milestones/m-1 - first.md': file('id: m-1\ntitle: First Release\ndue_date: 2026-12-24'),
      'tasks/shop-2 - Pay.md': whole.replaceAll('\n', '\r\n'),
      'tasks/shop-1 - Basket.md': `\uFEFF${file('id: shop-1\ntitle: Basket\nstatus: Done\nmilestone: m-1\nlabels:\ndependencies: []')}`,
      'tasks/shop-2.1 - Refund.md': file(
        'id: shop-2.1\ntitle: Refund\nstatus: To Do\nparent_task_id: SHOP-2',
      ),
    });
    expect(listPlaces(result)).toEqual([
      'tasks/shop-2 - Pay.md:4:1 notice STATUS_MAPPED shop-2 is In Progress, which counts as open here.',
      'tasks/shop-2 - Pay.md:10:24 warning DEPENDENCY_DUPLICATE shop-2 depends on shop-1 twice; once is enough.',
    ]);
    const plan = requirePlan(result);
    expect(plan.name).toBe('The Shop');
    expect(plan.tasks.map(({ sourceId }) => sourceId)).toEqual(['shop-1', 'shop-2', 'shop-2.1']);
    expect(findTask(plan, 'shop-2')).toEqual({
      sourceId: 'shop-2',
      title: 'Pay: by card 💳',
      description:
        'First line.\n\n```md\n## Acceptance Criteria\n- [ ] not one\n```\n\n## Implementation Plan\n\n1. Think.',
      priority: 'HIGH',
      dueAt: new Date('2026-12-01T23:59:59.999Z'),
      tags: ['web', 'pay,ment', 'phase:first-release'],
      resources: [],
      dependsOn: ['shop-1', 'shop-2.1'],
      derivedDependsOn: ['shop-2.1'],
      parentSourceId: null,
      phase: 'm-1',
      status: 'open',
      createdAt: new Date('2026-07-11T13:23:00Z'),
      metadata: {
        backlog: { assignee: ['@ada'], ordinal: 2000, status: 'In Progress' },
        phase: 'First Release',
      },
      acceptanceCriteria: ['A card is taken', 'A receipt is sent', 'by mail', 'tests pass'],
      estimateMinutes: null,
      maxAttempts: null,
      backoff: null,
      timeoutSeconds: null,
      orchestrator: null,
      file: 'tasks/shop-2 - Pay.md',
      line: 2,
    });
    expect(findTask(plan, 'shop-1').dueAt).toEqual(new Date('2026-12-24T23:59:59.999Z'));
    expect(findTask(plan, 'shop-2.1')).toMatchObject({
      parentSourceId: 'shop-2',
      dependsOn: ['shop-1'],
      dueAt: new Date('2026-12-01T23:59:59.999Z'),
    });
    expect(plan.phases).toEqual([{ id: 'm-1', name: 'First Release', parent: null }]);
  });

  test('what is wrong is reported with its file, line and column', () => {
    const result = readFiles({
      'a.md': file('id: a-1\ntitle: A\nstatus: To Do\ndependencies:\n  - {}\n  - a-9\n  - A-01\n  - a-7\n'),
      'b.md': file(
        'id: A-1\ntitle: [x]\nstatus: {}\npriority: extreme\ncreated_date: yesterday\nlabels: {a: 1}',
      ),
      'c.md': file('title: C\nstatus: To Do'),
      'd.md': file('id: a-3\ntitle: ""\nstatus: Sleeping\nparent_task_id: a-8\nmilestone: later'),
      'empty.md': ' \n',
      'picture.md': 'no front matter',
      'archive/tasks/a-7.md': file('id: a-7\ntitle: Gone\nstatus: Done'),
      'docs/doc-1.md': file('id: doc-1\ntitle: D'),
      'drafts/draft-1.md': file('id: draft-1\ntitle: D'),
    });
    expect(listPlaces(result)).toMatchInlineSnapshot(`
      [
        "a.md:6:5 warning DEPENDENCY_INVALID A dependency of a-1 is an object, not the id of a task, and is left out.",
        "a.md:7:5 warning DEPENDENCY_UNKNOWN a-1 depends on a-9, which is not in the plan, so this dependency can't be kept; add that task or remove the dependency.",
        "a.md:8:5 warning DEPENDENCY_SELF a-1 depends on itself, which can't be kept; remove the dependency.",
        "a.md:9:5 notice DEPENDENCY_DELETED a-1 depends on a-7, which is deleted; it does not wait for it.",
        "archive/tasks/a-7.md:1 notice FILE_SKIPPED archive/tasks/a-7.md is archived; it is not imported.",
        "b.md:2:1 warning TITLE_MISSING A-1 has no title; its id stands in for it. Give it one.",
        "b.md:3:1 warning VALUE_INVALID "title" of A-1 is a list, not a text; it is kept in the metadata only.",
        "b.md:4:1 warning STATUS_UNKNOWN A-1 has the unknown status an object; it counts as open.",
        "b.md:5:1 warning PRIORITY_INVALID A-1 has the priority "extreme", which is not high, medium or low; MEDIUM is taken.",
        "b.md:6:1 warning TIME_INVALID "created_date" of A-1 is not a time (2026-11-20 17:00, in UTC); it counts as not given.",
        "b.md:7:1 warning VALUE_INVALID "labels" of A-1 is not a list of texts; it is kept in the metadata only.",
        "c.md:2:1 warning ROW_WITHOUT_ID c.md has no "id" in its front matter and is left out; give it one.",
        "d.md:2:1 warning TITLE_MISSING a-3 has no title; its id stands in for it. Give it one.",
        "d.md:4:1 warning STATUS_UNKNOWN a-3 has the unknown status "Sleeping"; it counts as open.",
        "d.md:5:1 warning PARENT_UNKNOWN a-3 names the parent a-8, which is not in the plan, so it has none; add that task or remove the parent.",
        "docs/doc-1.md:1 notice FILE_SKIPPED docs/doc-1.md is a document, no task; it is not imported.",
        "drafts/draft-1.md:1 notice FILE_SKIPPED drafts/draft-1.md is a draft; it is not imported.",
        "empty.md:1 notice FILE_SKIPPED empty.md is empty; there is no task in it.",
        "picture.md:1 notice FILE_SKIPPED picture.md has no front matter and is no task; it is not imported.",
      ]
    `);
    expect(requirePlan(result).tasks.map(({ sourceId }) => sourceId)).toEqual(['a-1', 'A-1', 'a-3']);
  });

  test('a file that is broken, or no text, makes the folder unusable, by its name and line', () => {
    const broken = readFiles({
      'a.md': file('id: a-1\ntitle: A: B: C\nstatus: Done'),
      'b.md': file('id: 2\ntitle: B\nstatus: Done'),
    });
    expect(broken.plan).toBeNull();
    expect(broken.problems[0]).toMatchObject({ file: 'a.md', line: 3, code: 'SYNTAX_INVALID' });
    const circular = readFiles({ 'a.md': file('id: a-1\ntitle: A\nstatus: Done\nx: &x { y: *x }') });
    expect(circular.problems).toMatchObject([
      { file: 'a.md', code: 'ALIASES_EXCESSIVE' },
      { code: 'TASKS_EMPTY' },
    ]);
    const binary = readPlan({
      folderName: 'f',
      files: [
        { fileName: 'a.md', content: file('id: 1\ntitle: B\nstatus: Done') },
        { fileName: 'b.md', content: Uint8Array.of(0x89, 0x50, 0, 0xff) },
      ],
    });
    expect(binary.plan).toBeNull();
    expect(binary.problems).toMatchObject([{ file: 'b.md', code: 'FILE_BINARY' }]);
  });

  test('two files with one id are both named, and circles over files name them all', () => {
    const twice = readFiles({
      'a.md': file('id: a-1\ntitle: A\nstatus: Done'),
      'b.md': file('id: a-1\ntitle: B\nstatus: Done'),
    });
    expect(listPlaces(twice)).toEqual([
      'b.md:2:1 warning ID_DUPLICATE Two tasks have the id a-1, in a.md line 2 and b.md line 2; the one in a.md line 2 counts. Give each its own id.',
    ]);
    const circle = readFiles({
      'a.md': file('id: a-1\ntitle: A\nstatus: To Do\ndependencies: [a-2]'),
      'b.md': file('id: a-2\ntitle: B\nstatus: To Do\ndependencies: [a-1]'),
    });
    expect(listPlaces(circle)).toEqual([
      'a.md:5:16 error CYCLE These tasks wait for one another: a-1 (a.md line 2) → a-2 (b.md line 2) → a-1 (a.md line 2); remove one of these dependencies.',
    ]);
  });

  test('folders without files, without tasks or of another format are refused with what to do', () => {
    expect(listPlaces(readFiles({}))).toEqual([
      'work/backlog:1 error FOLDER_EMPTY There is no file in work/backlog that could hold a plan; give a plan file, or a folder of Markdown tasks.',
    ]);
    expect(readFiles({ 'a.md': '' }).problems.map(({ code }) => code)).toEqual([
      'FILE_SKIPPED',
      'FOLDER_EMPTY',
    ]);
    expect(readFiles({ 'a.md': '# Hello' }).problems).toMatchObject([{ code: 'FORMAT_UNKNOWN' }]);
    const other = readPlan({ folderName: 'f', files: [{ fileName: 'a.md', content: 'x' }], format: 'beads' });
    expect(other.problems[0]?.message).toContain('A plan of the format beads is one file, not a folder');
    const large = readPlan({
      folderName: 'f',
      files: [{ fileName: 'a.md', content: Buffer.alloc(51 * 1024 * 1024, 'a') }],
    });
    expect(large.problems).toMatchObject([{ code: 'FILE_TOO_LARGE', file: 'f' }]);
  });

  test('one such file alone is a plan of one task', () => {
    const result = readPlan({ fileName: 'a.md', content: file('id: a-1\ntitle: A\nstatus: To Do') });
    expect(result.format).toBe('backlog-md');
    expect(requirePlan(result).tasks).toHaveLength(1);
  });
});

const folder = join(
  process.env.NEOLITH_PLANS ?? fileURLToPath(new URL('../../../../../shared/plans', import.meta.url)),
  'backlog-md',
);
const isThere = existsSync(folder);
const why = isThere ? '' : ` (skipped: ${folder} is not there; NEOLITH_PLANS names the folder around it)`;

describe.skipIf(!isThere)(`the real folder of 157 tasks${why}`, () => {
  const files = (isThere ? readdirSync(folder) : []).map((fileName) => ({
    fileName,
    content: readFileSync(join(folder, fileName)),
  }));
  const result = readPlan({ folderName: folder, files });

  test('every file with an id becomes a task with title and status as written', () => {
    const plan = requirePlan(result);
    const plain = files
      .map(({ fileName, content }) => ({ fileName, text: content.toString('utf8') }))
      .filter(({ text }) => text.startsWith('---'))
      .map(({ fileName, text }) => ({
        fileName,
        id: /^id: (.*)$/m.exec(text)?.[1],
        status: /^status: Done$/m.test(text) ? 'done' : 'open',
        criteria: (text.match(/^- \[[ x]\] #\d+ /gm) ?? []).length,
      }));
    expect(plan.tasks.map(({ file, sourceId, status }) => `${file} ${sourceId} ${status}`).sort()).toEqual(
      plain.map(({ fileName, id, status }) => `${fileName} ${id} ${status}`).sort(),
    );
    expect(plan.tasks).toHaveLength(157);
    const counted = new Map(
      plan.tasks.map(({ file, acceptanceCriteria }) => [file, acceptanceCriteria.length]),
    );
    for (const { fileName, criteria } of plain)
      expect(counted.get(fileName), fileName).toBeGreaterThanOrEqual(criteria);
  });

  test('dependencies and parents lead to tasks or are reported', () => {
    expect(result.counts.problems).toEqual({ DEPENDENCY_UNKNOWN: 6, PARENT_UNKNOWN: 1, FILE_SKIPPED: 1 });
    expect(result.counts.source).toMatchObject({
      edgeTypes: { dependencies: 13, parent_task_id: 19 },
      danglingEdges: 7,
      statuses: { Done: 120, 'To Do': 37 },
    });
    expect(result.counts.dependencies).toMatchObject({ written: 7, closesLast: 18 });
  });
});
