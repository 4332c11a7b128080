import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readPlan } from '../../src/plans/index.js';
import { TASK_TYPES, type TaskText, type TaskType } from '../../src/routing/index.js';
import { requirePlan } from '../plans/readFixture.js';

const folder =
  process.env.NEOLITH_PLANS ?? fileURLToPath(new URL('../../../../../shared/plans', import.meta.url));
const beads = join(folder, 'beads-issues.jsonl');
const backlog = join(folder, 'backlog-md');

export const PLANS_ARE_THERE = existsSync(beads) && existsSync(backlog);
/** For names of tests. */
export const WHY_SKIPPED = PLANS_ARE_THERE
  ? ''
  : ` (skipped: ${folder} has no real backlogs; NEOLITH_PLANS names it)`;

/** Which type each of these tasks is, by a person's reading of its text; ids only, the texts are not ours. */
export function readLabels(): ReadonlyMap<string, TaskType> {
  const labels = JSON.parse(readFileSync(new URL('labels.json', import.meta.url), 'utf8')) as Record<
    string,
    string
  >;
  return new Map(
    Object.entries(labels).map(([id, label]) => {
      const type = TASK_TYPES.find((one) => one === label);
      if (type === undefined) throw new Error(`${id} has the unknown label ${label}.`);
      return [id, type];
    }),
  );
}

/** `making`: looked at while the cues were chosen. `heldOut`: only ever counted. Decided by the id alone. */
export function halfOf(id: string): 'making' | 'heldOut' {
  return (createHash('sha256').update(id).digest()[0] ?? 0) % 2 === 0 ? 'making' : 'heldOut';
}

/** All tasks of the two backlogs by id, as the readers of their formats make them. */
export function readRealTasks(): ReadonlyMap<string, TaskText> {
  const plans = [
    requirePlan(readPlan({ fileName: 'beads-issues.jsonl', content: readFileSync(beads) })),
    requirePlan(
      readPlan({
        folderName: backlog,
        files: readdirSync(backlog).map((fileName) => ({
          fileName,
          content: readFileSync(join(backlog, fileName)),
        })),
      }),
    ),
  ];
  return new Map(plans.flatMap(({ tasks }) => tasks.map((task) => [task.sourceId, task] as const)));
}
