import { expect, test } from 'vitest';
import { splitSections } from '../../src/prompts/splitSections.js';

const kinds = (text: string) => splitSections(text).map(({ kind, text: of }) => [kind, of]);

test('headings of Markdown and lines of nothing but bold begin sections, in any spelling we know', () => {
  expect(
    kinds('Why.\n\n## Goal\na\n**Scope:**\nb\n### Steps\nc\n# Acceptance Criteria\nd\n__Non-goals__\ne'),
  ).toEqual([
    ['overview', 'Why.'],
    ['objectives', '## Goal\na'],
    ['objectives', '**Scope:**\nb'],
    ['activities', '### Steps\nc'],
    ['validation', '# Acceptance Criteria\nd'],
    ['constraints', '__Non-goals__\ne'],
  ]);
});

test('a heading that nobody knows belongs to the section above when it is lower, else to the overview', () => {
  expect(kinds('## Technical details\na\n### Cache\nb\n## History\nc')).toEqual([
    ['technical', '## Technical details\na'],
    ['technical', '### Cache\nb'],
    ['overview', '## History\nc'],
  ]);
});

test('an empty heading goes along with the lower one below it, and is dropped where it only names a part', () => {
  expect(
    kinds(
      '## Database\n\n### Migration\n\n#### Steps\n1. x\n\n## Goals\n\n## Risks\ny\n\n## Notes\n### Goals',
    ),
  ).toEqual([
    ['activities', '## Database\n### Migration\n#### Steps\n1. x'],
    ['constraints', '## Risks\ny'],
    ['objectives', '## Notes\n### Goals'],
  ]);
});

test('a heading that is a sentence is kept, though nothing stands below it', () => {
  expect(kinds('Text.\n\n**It happens each time!**\n\n## Never change the old tables\n')).toEqual([
    ['overview', 'Text.'],
    ['overview', '**It happens each time!**'],
    ['overview', '## Never change the old tables'],
  ]);
});

test('headings in code blocks are none, also where the block is never closed', () => {
  expect(kinds('```sh\n# Steps\n```\n~~~~\n## Goals\n~~~\n## Risks')).toEqual([
    ['overview', '```sh\n# Steps\n```\n~~~~\n## Goals\n~~~\n## Risks'],
  ]);
});

test('long lines of marks take no longer than others', () => {
  const started = performance.now();
  for (const mark of ['#', '*', '_', ' ', '`', '\t'])
    splitSections(`# ${mark.repeat(200_000)}x\n${mark.repeat(200_000)}\n${`${mark}\n`.repeat(50_000)}`);
  expect(performance.now() - started).toBeLessThan(5_000);
});
