import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  INSTRUCTED_AGENTS,
  type PromptParts,
  writeTaskPrompt,
  writeTaskPrompts,
} from '../../src/prompts/index.js';
import { makeFullContext, makeParts, PROJECT, WORKTREE } from './contexts.js';

/** `NEOLITH_UPDATE_GOLDEN=1` writes them anew; look at the difference before you commit it. */
const isUpdating = process.env.NEOLITH_UPDATE_GOLDEN === '1';
const folder = new URL('./golden/', import.meta.url);

function expectGolden(name: string, prompt: string): void {
  const file = new URL(`${name}.md`, folder);
  if (isUpdating) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, prompt);
  }
  expect(existsSync(file), `${name}.md is missing; write it by NEOLITH_UPDATE_GOLDEN=1`).toBe(true);
  expect(prompt).toBe(readFileSync(file, 'utf8'));
}

const full = (agent: string): PromptParts =>
  makeParts({ context: makeFullContext(), project: PROJECT, worktree: WORKTREE, agent });

test.each(INSTRUCTED_AGENTS)('the prompt of a whole task for %s is as recorded', (agent) => {
  expectGolden(`full-${agent}`, writeTaskPrompt(full(agent)));
});

test('the prompt of a task that has nothing but a title is as recorded', () => {
  expectGolden('minimal', writeTaskPrompt(makeParts()));
});

test('an agent that we do not know is told what holds for all', () => {
  expectGolden('minimal-unknown-agent', writeTaskPrompt(makeParts({ agent: 'constructor' })));
});

test('prompts of a list are those of its members, the same each time', () => {
  const list = INSTRUCTED_AGENTS.map(full);
  expect(writeTaskPrompts(list)).toEqual(list.map(writeTaskPrompt));
  expect(new Set(writeTaskPrompts(list)).size).toBe(list.length);
});

test('a context as it comes over the wire, with dates as text, gives the same prompt', () => {
  const overTheWire = JSON.parse(JSON.stringify(makeFullContext())) as PromptParts['context'];
  expect(writeTaskPrompt({ ...full('claude'), context: overTheWire })).toBe(writeTaskPrompt(full('claude')));
});
