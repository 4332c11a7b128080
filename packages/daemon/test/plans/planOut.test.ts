import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatPlan } from '@neolith/contracts';
import { describe, expect, test } from 'vitest';
import { formatPlanYaml, type NormalisedPlan, readPlan, toWrittenPlan } from '../../src/plans/index.js';
import { listProblems, readFixture, requirePlan } from './readFixture.js';

/** What must survive; that a dependency was derived, and the place in the file, is not part of it. */
function keep({ tasks, ...plan }: NormalisedPlan) {
  return {
    ...plan,
    tasks: tasks.map(({ derivedDependsOn: _, file: __, line: ___, createdAt: ____, ...task }) => task),
  };
}

function expectRoundTrip(plan: NormalisedPlan): void {
  for (const [fileName, content] of [
    ['plan.json', formatPlan(toWrittenPlan(plan))],
    ['plan.yaml', formatPlanYaml(toWrittenPlan(plan))],
  ] as const) {
    const again = readPlan({ fileName, content });
    expect(listProblems(again).filter((line) => !line.includes('PREREQUISITE_CANCELLED'))).toEqual([]);
    expect(keep(requirePlan(again))).toEqual(keep(plan));
  }
}

describe('a plan that was read, written in our own format and read again, is the same', () => {
  test.each(['release.yaml', 'release.json', 'dirty/issues.jsonl', 'dirty/plan.md'])('%s', (name) => {
    expectRoundTrip(requirePlan(readFixture(name)));
  });

  test('with phases, texts that look like something else, and settings of the run', () => {
    const content = JSON.stringify({
      version: 1,
      name: '1e3',
      description: '- a: b\n#c\n\ttab',
      run: { waves: 'strict', failureThreshold: { rate: 0.25 } },
      phases: [
        { id: 'one', due: '2026-12-01' },
        { id: 'two', parent: 'one' },
        { id: 'three', after: ['one'] },
      ],
      tasks: [
        {
          id: 1,
          title: 'null',
          phase: 'two',
          tags: ['yes', '2026-12-01', '~'],
          metadata: { n: '0x10', d: [null, 1.5] },
        },
        {
          id: '2',
          title: '"quoted" `code` 🚀',
          phase: 'three',
          timeoutMinutes: 0.5,
          acceptanceCriteria: ['- x'],
        },
        { id: 'x: y', title: '> fold\u2028', parent: 2, dependsOn: [1] },
      ],
    });
    expectRoundTrip(requirePlan(readPlan({ fileName: 'plan.json', content })));
  });
});

const folder =
  process.env.NEOLITH_PLANS ?? fileURLToPath(new URL('../../../../../shared/plans', import.meta.url));
const why = existsSync(folder) ? '' : ` (skipped: ${folder} is not there; NEOLITH_PLANS names it)`;

describe.skipIf(!existsSync(folder))(`the real backlogs too${why}`, () => {
  test('of beads', () => {
    const content = readFileSync(join(folder, 'beads-issues.jsonl'));
    expectRoundTrip(requirePlan(readPlan({ fileName: 'beads-issues.jsonl', content })));
  });

  test('of Backlog.md', () => {
    const folderName = join(folder, 'backlog-md');
    const files = readdirSync(folderName).map((fileName) => ({
      fileName,
      content: readFileSync(join(folderName, fileName)),
    }));
    expectRoundTrip(requirePlan(readPlan({ folderName, files })));
  });
});
