import { readFileSync } from 'node:fs';
import { drawMermaid } from '@neolith/contracts';
import { expect, test } from 'vitest';
import { readPlan, toWrittenPlan } from '../../src/plans/index.js';
import { planReaders } from '../../src/plans/planReaders.js';
import { backlogStatuses } from '../../src/plans/readers/backlog/backlogMapping.js';
import { attributeSpellings } from '../../src/plans/readers/markdown/attributeKeys.js';
import { checkBoxMarks } from '../../src/plans/readers/markdown/checkBox.js';
import { taskMasterStatuses } from '../../src/plans/readers/taskMaster/taskMasterMapping.js';
import { findTask, listProblems, requirePlan } from './readFixture.js';

const page = readFileSync(new URL('../../../../docs/concepts/plans.md', import.meta.url), 'utf8');

function example(language: string, index = 0): string {
  const found = [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))][index]?.[1];
  if (found === undefined) throw new Error(`The page has no example ${index} in ${language}.`);
  return found;
}

const day = (date: string) => new Date(`${date}T23:59:59.999Z`);

test('the Markdown example does what the page says of it', () => {
  const result = readPlan({ fileName: 'shop.md', content: example('markdown') });
  expect(listProblems(result)).toEqual([]);
  const plan = requirePlan(result);
  expect(plan).toMatchObject({
    name: 'Web shop',
    description: 'What this plan is for.',
    run: { maxConcurrentTasks: 4 },
  });
  expect(findTask(plan, 'T2')).toMatchObject({
    dependsOn: ['T1', 'T2/write-the-migrations'],
    dueAt: day('2026-12-01'),
    priority: 'HIGH',
    tags: ['infra', 'phase:phase-1-foundations'],
    metadata: { phase: 'Phase 1: Foundations' },
    acceptanceCriteria: ['it starts with one command'],
    description: '- Use the same version as in production.',
  });
  expect(findTask(plan, 'T2/write-the-migrations')).toMatchObject({
    dueAt: day('2026-12-01'),
    estimateMinutes: 480,
  });
  expect(findTask(plan, 'phase-2-checkout/basket')).toMatchObject({
    dependsOn: ['T2'],
    orchestrator: 'Ada',
    dueAt: day('2027-01-31'),
  });
  expect(findTask(plan, 'phase-2-checkout/payment')).toMatchObject({
    dependsOn: ['phase-2-checkout/basket'],
    dueAt: day('2026-12-24'),
    priority: 'CRITICAL',
  });
  expect(findTask(plan, 'phase-2-checkout/vouchers').status).toBe('cancelled');
});

test('the example without check boxes is a plan of two tasks, and the drawing is its drawing', () => {
  const result = readPlan({ fileName: 'login.md', content: example('markdown', 1) });
  expect(result.problems.map(({ code }) => code)).toEqual(['TASKS_FROM_LISTS']);
  const plan = requirePlan(result);
  expect(plan.tasks.map(({ sourceId, dependsOn }) => [sourceId, dependsOn])).toEqual([
    ['FR-1', []],
    ['requirements/users-can-log-out', ['FR-1']],
  ]);
  expect(example('mermaid')).toBe(drawMermaid(toWrittenPlan(plan)));
});

test('the tasks.json example is read as the page says', () => {
  const result = readPlan({ fileName: 'tasks.json', content: example('json') });
  expect(result.problems.map(({ code }) => code)).toEqual(['DEPENDENCY_DUPLICATE', 'STATUS_MAPPED']);
  expect(requirePlan(result).tasks.map(({ sourceId }) => sourceId)).toEqual([
    '1',
    '2',
    '2.1',
    '2.2',
    'feature-x/1',
  ]);
});

test('the page names every format, every key of Markdown, every box and every status as it is mapped', () => {
  const rows = page.split('\n').filter((line) => line.startsWith('|'));
  for (const { format, alwaysStrict } of planReaders) {
    expect(rows.find((row) => row.startsWith(`| \`${format}\``))).toMatch(
      alwaysStrict ? /\| an error +\|$/ : /\| a warning; /,
    );
  }
  for (const [first] of Object.values(attributeSpellings))
    if (first !== 'id') expect(page).toContain(`\`${first}\``);
  for (const [mark, { status }] of checkBoxMarks) {
    if (mark !== '✔')
      expect(
        rows.find((row) => row.includes(`\`[${mark}]\``)),
        mark,
      ).toMatch(new RegExp(`\\| ${status}`));
  }
  const statusRows = rows.filter((row) => row.startsWith('| `status`'));
  for (const [word, { status, isNoted }] of [...taskMasterStatuses, ...backlogStatuses]) {
    const meant = new RegExp(`\\| ${status}${isNoted ? ', with a notice' : ' '}`);
    const named = statusRows.filter((row) => row.toLowerCase().includes(`\`${word}\``));
    expect(
      named.some((row) => meant.test(row)),
      word,
    ).toBe(true);
  }
});
