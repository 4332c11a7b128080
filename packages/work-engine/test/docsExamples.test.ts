import { readFileSync } from 'node:fs';
import * as timers from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runInThisContext } from 'node:vm';
import { type Endpoint, endpoints } from '@neolith/contracts';
import { afterEach, describe, expect, test } from 'vitest';
import * as library from '../src/index.js';
import { createFixture } from './support/engineFixture.js';
import { refusal } from './support/history.js';
import { expectNoDrift } from './support/runs.js';

const fixture = createFixture();

afterEach(async () => expectNoDrift(fixture));

const root = new URL('../../../', import.meta.url);

/**
 * The `ts` blocks of a page, or of one section of it, as one program whose lines are those of the page. What a line
 * claims is checked: `expression; // → value` that it is so, `call(); // throws CODE` that it is refused.
 */
function toProgram(page: string, section: string | null): string {
  let isCode = false;
  let isHere = section === null;
  return joinImports(page)
    .split('\n')
    .map((line) => {
      if (line.startsWith('#') && !isCode && section !== null) isHere = line === `## ${section}`;
      if (line.startsWith('```')) {
        isCode = isHere && line === '```ts';
        return '';
      }
      if (!isCode) return '';
      return line
        .replace(
          /^import \{(.*)\} from '(.*)';$/,
          (_, names: string, from: string) => `var {${names.replaceAll(' as ', ': ')}} = module('${from}');`,
        )
        .replace(/^(\s*)(.+); \/\/ → (.+)$/, '$1is($2, $3);')
        .replace(/^(\s*)(?:await )?(.+); \/\/ throws ([A-Z_]+)$/, '$1await throws($2, "$3");');
    })
    .join('\n');
}

/** Imports of several lines on the first of them; the others stay empty. */
function joinImports(page: string): string {
  return page.replace(/^import \{\n([^}]*)\} from '(.*)';$/gm, (whole, names: string, from: string) => {
    const listed = names.split(',').map((name) => name.trim());
    const joined = `import { ${listed.filter((name) => name !== '').join(', ')} } from '${from}';`;
    return joined + '\n'.repeat(whole.split('\n').length - 1);
  });
}

async function runExamples(file: string, section: string | null = null): Promise<number> {
  const { engine } = fixture;
  const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 10 });
  let checked = 0;
  const modules: Record<string, Record<string, unknown>> = {
    // The default engine's verbs, bound to this test's engine.
    '@neolith/work-engine': { ...library, ...engine },
    'node:timers/promises': { ...timers },
  };
  const surroundings = {
    engine,
    orchestratorId: orchestrator.id,
    module: (name: string) =>
      new Proxy(modules[name] ?? {}, {
        get(exports, key) {
          const exported = name.startsWith('node:') ? timers : library;
          if (!(key in exported)) throw new Error(`${name} exports no ${String(key)}`);
          return exports[String(key)];
        },
      }),
    is(actual: unknown, expected: unknown) {
      checked += 1;
      expect(actual).toEqual(expected);
    },
    async throws(call: Promise<unknown>, code: string) {
      checked += 1;
      expect((await refusal(call)).code).toBe(code);
    },
  };
  const url = new URL(file, root);
  const program = toProgram(readFileSync(url, 'utf8'), section);
  const names = Object.keys(surroundings);
  // On the first line, so that the lines of an error are those of the page.
  const start = runInThisContext(`(async function (${names.join(', ')}) {${program}\n})`, {
    filename: fileURLToPath(url),
  }) as (...values: unknown[]) => Promise<void>;
  await start(...Object.values(surroundings));
  return checked;
}

describe('the examples do what they say', () => {
  test.each([
    ['docs/concepts/runs.md', null, 20],
    ['docs/concepts/waves.md', null, 5],
    ['docs/concepts/merge-stage.md', null, 7],
    ['docs/concepts/attempt-logs.md', null, 5],
    ['docs/reference/library.md', 'Graphs', 4],
    ['README.md', 'Runs', 2],
  ])('of %s', async (file, section, atLeast) => {
    expect(await runExamples(file, section)).toBeGreaterThanOrEqual(atLeast);
  });

  test('over HTTP, each call is one of the endpoint table, with a body that its schema takes', () => {
    const page = readFileSync(new URL('docs/concepts/merge-stage.md', root), 'utf8');
    const calls = [...page.matchAll(/```http\n(.*)\n([\s\S]*?)```/g)].flatMap(([, first = '', rest = '']) =>
      `${first}\n${rest}`
        .split('\n')
        .flatMap((line) => [...line.matchAll(/^(GET|POST) \/api\/v1(\S+)(?: +(\{.*\}))?$/g)]),
    );
    expect(calls.length).toBeGreaterThanOrEqual(4);
    for (const [line, method, path, body] of calls) {
      const found = Object.values<Endpoint>(endpoints).find(
        (endpoint) => endpoint.method === method && endpoint.path === path,
      );
      expect(found, line).toBeDefined();
      if (body !== undefined) expect(found?.body?.safeParse(JSON.parse(body)).error, line).toBeUndefined();
    }
  });
});
