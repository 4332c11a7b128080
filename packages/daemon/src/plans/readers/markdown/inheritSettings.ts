import type { MarkdownPhase, MarkdownSettings, MarkdownTask } from './markdownTask.js';
import type { FrontMatter } from './readFrontMatter.js';

/**
 * Makes a function that says what holds for a task: what it says itself, else its parent, else the phases around
 * it from the inside out, else the plan. Tags of phases and plan are added to its own; those of a parent are not.
 */
export function createInheritance(
  { defaults }: FrontMatter,
  plan: MarkdownSettings,
): (task: MarkdownTask) => MarkdownSettings {
  const { priority, orchestrator, maxAttempts, backoff, timeoutMinutes, tags = [] } = defaults;
  const base: MarkdownSettings = {
    ...(priority === undefined ? {} : { priority }),
    ...(orchestrator === undefined ? {} : { orchestrator }),
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
    ...(backoff === undefined ? {} : { backoff }),
    ...(timeoutMinutes === undefined ? {} : { timeoutSeconds: Math.max(1, Math.round(timeoutMinutes * 60)) }),
    ...plan,
    tags: [...tags, ...plan.tags],
  };
  // The due date of the plan is for tasks whose parents have none either.
  delete base.dueAt;
  const ofPhase = new Map<MarkdownPhase, MarkdownSettings>();
  const ofTask = new Map<MarkdownTask, MarkdownSettings>();

  // Headings nest six deep and lists some fifty.
  function findPhase(phase: MarkdownPhase | null): MarkdownSettings {
    if (phase === null) return base;
    const known = ofPhase.get(phase);
    if (known !== undefined) return known;
    const around = findPhase(phase.parent);
    const settings = { ...around, ...phase.settings, tags: [...around.tags, ...phase.settings.tags] };
    ofPhase.set(phase, settings);
    return settings;
  }

  return function inherit(task: MarkdownTask): MarkdownSettings {
    const known = ofTask.get(task);
    if (known !== undefined) return known;
    const { parent } = task;
    const around = findPhase(task.phase);
    const settings: MarkdownSettings = {
      ...(parent === null ? around : inherit(parent)),
      ...task.settings,
      tags: [...new Set([...around.tags, ...task.settings.tags])],
      resources: [...new Set([...(around.resources ?? []), ...(task.settings.resources ?? [])])],
    };
    // That of a parent is handed down for all formats alike.
    if (parent !== null && task.settings.dueAt === undefined) delete settings.dueAt;
    ofTask.set(task, settings);
    return settings;
  };
}
