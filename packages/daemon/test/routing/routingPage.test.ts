import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  assignAgents,
  classifyTask,
  DEFAULT_AGENT_ORDER,
  parseRouterConfig,
} from '../../src/routing/index.js';
import { TASK_TYPE_MEANINGS } from '../../src/routing/taskType.js';

const page = readFileSync(new URL('../../../../docs/concepts/routing.md', import.meta.url), 'utf8');

/** The rows of the table whose head begins with `first`, without head and rule. */
function listRows(first: string): string[][] {
  const lines = page.split('\n');
  const head = lines.findIndex((line) => line.startsWith(`| ${first} `));
  const rows = lines.slice(head + 2);
  return rows
    .slice(
      0,
      rows.findIndex((line) => !line.startsWith('|')),
    )
    .map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

test('the page names every type with its meaning', () => {
  expect(listRows('type')).toEqual(
    Object.entries(TASK_TYPE_MEANINGS).map(([type, meaning]) => [`\`${type}\``, meaning]),
  );
});

test('the page names the order of the defaults', () => {
  expect(page.replace(/\s+/g, ' ')).toContain(`the order is: ${DEFAULT_AGENT_ORDER.join(', ')}, then others`);
});

test('every example of the page is a configuration that is taken', () => {
  const examples = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json]) => json ?? '');
  expect(examples).toHaveLength(2);
  for (const json of examples) expect(() => parseRouterConfig(json, 'routing.md')).not.toThrow();
});

test('the example routes its tasks as the page says', () => {
  const json = /```json\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  const configuration = parseRouterConfig(json, 'routing.md');
  const agents = ['claude', 'gemini'].map((name) => ({ name, available: true }));
  const rows = listRows('task').map(([task = '', ...expected]) => {
    const [title = '', ...tags] = [...task.matchAll(/`#?([^`]+)`/g)].map(([, text]) => text ?? '');
    const text = { title, tags, description: null, acceptanceCriteria: [], estimateMinutes: null };
    const classification = classifyTask(text);
    const routed = { classification, tags, priority: 'MEDIUM', capabilities: [] } as const;
    const { primary, secondary, rule, confidence } = assignAgents(routed, agents, configuration);
    const cells = [classification.type, primary, secondary, rule].map((one) =>
      one === null ? '' : `\`${one}\``,
    );
    return { title, expected, actual: [...cells, String(confidence)] };
  });
  expect(rows).toHaveLength(3);
  for (const { title, expected, actual } of rows) expect(actual, title).toEqual(expected);
});
