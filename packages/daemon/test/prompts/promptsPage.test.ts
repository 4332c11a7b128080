import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { PROMPT_BUDGETS } from '../../src/prompts/budgets.js';
import { writeTaskPrompt } from '../../src/prompts/index.js';
import { makeFullContext, makeParts, PROJECT, WORKTREE } from './contexts.js';
import { listHeadings, readPrompt } from './readPrompt.js';

const page = readFileSync(new URL('../../../../docs/concepts/prompts.md', import.meta.url), 'utf8');

test('the prompt on the page is the one that is written', () => {
  expect(/^```markdown\n([\s\S]*?)^```$/m.exec(page)?.[1]).toBe(writeTaskPrompt(makeParts()));
});

test('the page names every section of a whole prompt, in its order, and the budgets', () => {
  const parts = makeParts({
    context: makeFullContext(),
    project: PROJECT,
    worktree: WORKTREE,
    mayAsk: true,
  });
  const rows = page.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| section'));
  const named = rows.flatMap((row) => (row.split('|')[1] ?? '').split(',').map((name) => name.trim()));
  expect(named.filter((name) => !name.startsWith('---'))).toEqual(
    listHeadings(readPrompt(writeTaskPrompt(parts))),
  );
  const text = page.replace(/\s+/g, ' ');
  const kib = (bytes: number) => `${bytes / 1024} KiB`;
  expect(text).toContain(
    `prerequisite may take ${kib(PROMPT_BUDGETS.dependencyResult)} and all of them ${kib(PROMPT_BUDGETS.dependencyResults)}, each file of standards ${kib(PROMPT_BUDGETS.standardsFile)} and all ${kib(PROMPT_BUDGETS.standardsFiles)}`,
  );
});
