import { readFileSync } from 'node:fs';
import { planDefaultsSchema, planPriorities, planSchema, planTaskSchema } from '@neolith/contracts';
import { expect, test } from 'vitest';
import { planProblemKinds, readPlan } from '../../src/plans/index.js';
import { beadsLinkTypes, beadsPriorities, beadsStatuses } from '../../src/plans/readers/beadsMapping.js';
import { findTask, listProblems, requirePlan } from './readFixture.js';

const page = readFileSync(new URL('../../../../docs/concepts/plan-format.md', import.meta.url), 'utf8');

/** Rows of all tables below `heading`, up to the next one, without head and rule. */
function listRows(heading: string): string[][] {
  const section = page.split(/^#+ /m).find((part) => part.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`The page has no heading ${heading}.`);
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

test('the example of the page is a plan that does what the page says of it', () => {
  const example = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  const result = readPlan({ fileName: 'example.yaml', content: example });
  expect(listProblems(result)).toEqual([]);
  const plan = requirePlan(result);
  expect(findTask(plan, 'docs').dependsOn).toEqual(['api', 'guide', 'reference']);
  for (const id of ['guide', 'reference']) {
    expect(findTask(plan, id)).toMatchObject({ dependsOn: ['api'], dueAt: new Date('2026-12-10T16:00:00Z') });
  }
  expect(findTask(plan, 'publish')).toMatchObject({ orchestrator: 'Ada', tags: ['release'], dueAt: null });
});

test('the tables name every field, and which are needed', () => {
  const fieldsOf = (shape: Record<string, { isOptional(): boolean }>) =>
    Object.entries(shape).map(([name, schema]) => [`\`${name}\``, schema.isOptional() ? '' : 'yes']);
  expect(listRows('The plan').map(([name, needed]) => [name, needed])).toEqual(fieldsOf(planSchema.shape));
  const byName = (rows: unknown[][]) => rows.toSorted((a, b) => String(a[0]).localeCompare(String(b[0])));
  expect(byName(listRows('A task').map(([name, needed]) => [name, needed]))).toEqual(
    byName(fieldsOf(planTaskSchema.shape)),
  );
  const defaults = listRows('The plan').find(([name]) => name === '`defaults`')?.[2] ?? '';
  for (const name of Object.keys(planDefaultsSchema.shape)) expect(defaults).toContain(`\`${name}\``);
});

test('the beads table has every status, priority and link type as it is mapped', () => {
  const rows = listRows('beads JSONL');
  for (const [word, { status }] of beadsStatuses) {
    const [, meaning] =
      rows.find(([cell]) => cell?.startsWith('`status`') && cell.includes(`\`${word}\``)) ?? [];
    expect(meaning, word).toMatch(status === 'deleted' ? /^not imported/ : new RegExp(`^${status}`));
  }
  const [, priorities] = rows.find(([cell]) => cell?.startsWith('`priority`')) ?? [];
  expect(priorities).toBe(beadsPriorities.map((name) => `\`${name}\``).join(', '));
  expect(new Set(beadsPriorities)).toEqual(new Set(planPriorities));
  const [links] = rows.find(([cell]) => cell?.startsWith('`discovered-from`')) ?? [];
  expect(links?.split(', ').sort()).toEqual([...beadsLinkTypes].map((type) => `\`${type}\``).sort());
});

test('the table of problems has every code with its effect and meaning', () => {
  const expected = Object.entries(planProblemKinds).map(([code, kind]) => [
    `\`${code}\``,
    kind.effect,
    kind.meaning,
  ]);
  expect(listRows('Problems')).toEqual(expected);
});
