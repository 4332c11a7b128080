import { readFileSync } from 'node:fs';
import type { NormalisedPlan, PlanReadResult, ReadPlanOptions } from '../../src/plans/index.js';
import { readPlan } from '../../src/plans/index.js';

/** Reads a plan of the fixtures folder under its own short name. */
export function readFixture(name: string, options: ReadPlanOptions = {}): PlanReadResult {
  const fileName = name.replace(/^.*\//, '');
  return readPlan({
    fileName,
    content: readFileSync(new URL(`./fixtures/${name}`, import.meta.url)),
    options,
  });
}

/** `line[:column] severity CODE message` for each problem: what a person would be shown. */
export function listProblems({ problems }: PlanReadResult): string[] {
  return problems.map(({ line, column, severity, code, message }) => {
    const place = column === undefined ? `${line}` : `${line}:${column}`;
    return `${place} ${severity} ${code} ${message}`;
  });
}

export function requirePlan(result: PlanReadResult): NormalisedPlan {
  if (result.plan === null) throw new Error(`No plan was read:\n${listProblems(result).join('\n')}`);
  return result.plan;
}

export function findTask(plan: NormalisedPlan, sourceId: string) {
  const task = plan.tasks.find((candidate) => candidate.sourceId === sourceId);
  if (task === undefined) throw new Error(`The plan has no task ${sourceId}.`);
  return task;
}
