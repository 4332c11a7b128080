import { findTechnologies } from './findTechnologies.js';
import { judgeComplexity } from './judgeComplexity.js';
import { scoreTaskType } from './scoreTaskType.js';
import type { TaskText } from './taskText.js';
import type { Complexity, TaskType } from './taskType.js';

export interface TaskClassification {
  readonly type: TaskType;
  /** Of the type; from 0 (nothing spoke for any) to 1. */
  readonly confidence: number;
  readonly complexity: Complexity;
  /** Those that the task names, then those of the repository. No name twice. */
  readonly technologies: readonly string[];
  /** Sentences for people: why this type, why this complexity, where the technologies come from. */
  readonly evidence: readonly string[];
}

/**
 * Says what kind of work a task is, how hard, and with what, from its own words and from what is known of the
 * repository (`null` when there is none). The same input gives the same answer on every machine: weighted
 * evidence, no model, no clock. What the types mean: `TASK_TYPE_MEANINGS`.
 */
export function classifyTask(
  task: TaskText,
  project: { readonly technologies: readonly string[] } | null = null,
): TaskClassification {
  const { type, confidence, evidence } = scoreTaskType(task);
  const { complexity, reasons } = judgeComplexity(task, type);
  const named = findTechnologies(task);
  const known = project?.technologies ?? [];
  return {
    type,
    confidence,
    complexity,
    technologies: [...new Set([...named, ...known])],
    evidence: [
      ...evidence,
      ...reasons.map((reason) => `complexity: ${reason}`),
      ...(named.length > 0 ? [`technologies: the task names ${named.join(', ')}`] : []),
      ...(known.length > 0 ? [`technologies: the repository has ${known.join(', ')}`] : []),
    ],
  };
}
