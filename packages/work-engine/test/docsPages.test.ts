import { readFileSync } from 'node:fs';
import { DEFAULT_RUN_CONFIG } from '@neolith/contracts';
import { describe, expect, test } from 'vitest';
import { canMoveRun, RUN_TRANSITIONS, type RunVerb } from '../src/domain/runTransitions.js';
import { STATUS_TRANSITIONS } from '../src/domain/transitions.js';
import type { RunStatus } from '../src/index.js';
import * as library from '../src/index.js';
import { createFixture } from './support/engineFixture.js';

const fixture = createFixture();

const read = (file: string) => readFileSync(new URL(`../../../docs/${file}`, import.meta.url), 'utf8');

/** For the web server and its own routes. */
const UNLISTED = new Set([
  'as',
  'answerOnce',
  'answerRepeatable',
  'close',
  'registerDaemon',
  'heartbeatDaemon',
  'listDaemons',
  'getWorkspace',
  'updateWorkspace',
  'listChannels',
  'createChannel',
  'getTaskContext',
  'prepareTaskContexts',
  'taskOfAttempt',
  'getAttempt',
  'listAttempts',
  'listTaskEvents',
  'currentCursor',
]);

/** The arrows of the page's state diagram: where each state leads, sorted. */
function readDiagram(page: string): Record<string, string[]> {
  const diagram = /```mermaid\nstateDiagram-v2\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  const ways: Record<string, string[]> = {};
  for (const [, from = '', to = ''] of diagram.matchAll(/^ {4}(\w+) --> (\w+)/gm)) {
    ways[from] ??= [];
    if (!ways[from].includes(to)) ways[from].push(to);
  }
  return sorted(ways);
}

function sorted(ways: Readonly<Record<string, readonly string[]>>): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(ways)
      .filter(([, to]) => to.length > 0)
      .map(([from, to]) => [from, to.toSorted()])
      .toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)) as [string, string[]][],
  );
}

/** Rows of the tables below a heading, without head and rule. */
function listRows(page: string, heading: string): string[][] {
  const section = page.split(/^#+ /m).find((part) => part.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`The page has no heading ${heading}.`);
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

const inTicks = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, word]) => word as string);

describe('the page about runs', () => {
  const page = read('concepts/runs.md');

  test('draws the state table', () => {
    expect(readDiagram(page)).toEqual(sorted(RUN_TRANSITIONS));
  });

  test('has the verbs with where they start from', () => {
    const rows = listRows(page, 'What people do');
    const statuses = Object.keys(RUN_TRANSITIONS) as RunStatus[];
    const verbs: RunVerb[] = ['start', 'pause', 'resume', 'stop', 'release', 'retry', 'reset', 'complete'];
    expect(rows.map(([verb]) => verb)).toEqual(verbs.map((verb) => `\`${verb}Run\``));
    for (const [index, verb] of verbs.entries()) {
      const from = statuses.filter((status) => canMoveRun({ id: 'run', status }, verb).allowed);
      expect(inTicks(rows[index]?.[1] ?? '').toSorted(), verb).toEqual(from.toSorted());
    }
  });

  test('has every setting with its default', () => {
    const defaults = Object.entries(DEFAULT_RUN_CONFIG).flatMap(([name, value]) =>
      typeof value === 'object' && value !== null
        ? Object.entries(value).map(([part, inner]) => [`\`${name}.${part}\``, `${inner}`])
        : [[`\`${name}\``, value === null ? 'none' : `${value}`]],
    );
    expect(
      listRows(page, 'Settings').map(([name, value]) => [name, (value ?? '').replaceAll('`', '')]),
    ).toEqual(defaults);
  });
});

test('the page about tasks draws their state table', () => {
  const drawn = readDiagram(read('concepts/task-lifecycle.md'));
  // Said below the picture: who comes back waits where prerequisites are unmet.
  for (const from of ['DONE', 'FAILED', 'CANCELLED']) drawn[from]?.push('BLOCKED');
  expect(sorted(drawn)).toEqual(sorted(STATUS_TRANSITIONS));
});

test('the reference of the library names only what there is, and every verb', () => {
  const page = read('reference/library.md');
  const engine: Record<string, unknown> = { ...fixture.engine };
  const named = new Set(
    inTicks(page.replace(/```[\s\S]*?```/g, '')).flatMap(
      (text) => /^(?:engine\.)?(\w+)(?:\(|$)/.exec(text)?.slice(1) ?? [],
    ),
  );
  const missing = Object.keys(engine).filter(
    (name) => typeof engine[name] === 'function' && !named.has(name) && !UNLISTED.has(name),
  );
  expect(missing).toEqual([]);
  const called = inTicks(page.replace(/```[\s\S]*?```/g, '')).flatMap(
    (text) => /^(?:engine\.)?(\w+)\(/.exec(text)?.slice(1) ?? [],
  );
  expect(called.length).toBeGreaterThan(40);
  expect(called.filter((name) => !(name in engine) && !(name in library))).toEqual([]);
});
