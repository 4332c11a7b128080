import type { TaskPriority } from '@neolith/contracts';
import type { TaskClassification } from './classifyTask.js';
import type { RouterCondition } from './routerConfig.js';

/** What rules look at. */
export interface RoutedTask {
  readonly classification: TaskClassification;
  readonly tags: readonly string[];
  readonly priority: TaskPriority;
  /** Of the orchestrator that owns the task. */
  readonly capabilities: readonly string[];
  /** The built-in tool that the task spells out in its metadata (`tool`). Default: none. */
  readonly tool?: string | null;
}

export interface RuleMatch {
  readonly matches: boolean;
  /** What held, in words: `type bug`, `tag security`. Empty for a rule without conditions. */
  readonly reasons: readonly string[];
  /** Whether it looked at what was only judged (type, complexity), not said. */
  readonly isJudged: boolean;
}

/** Holds a task against a rule's condition: every field that is given must hold, each by any of its values. */
export function matchRule(condition: RouterCondition, task: RoutedTask): RuleMatch {
  const { classification } = task;
  const held = [
    hold('type', condition.types, [classification.type]),
    hold('complexity', condition.complexities, [classification.complexity]),
    hold('tag', condition.tags, task.tags),
    hold('capability', condition.capabilities, task.capabilities),
    hold('technology', condition.technologies, classification.technologies),
    hold('priority', condition.priorities, [task.priority]),
  ];
  return {
    matches: !held.includes(null),
    reasons: held.filter((reason): reason is string => typeof reason === 'string' && reason !== ''),
    isJudged: condition.types !== undefined || condition.complexities !== undefined,
  };
}

/** Which value held; '' where nothing was asked, null where none did. Spelling aside: case and outer spaces. */
function hold(what: string, wanted: readonly string[] | undefined, has: readonly string[]): string | null {
  if (wanted === undefined) return '';
  const there = new Set(has.map(toPlain));
  const value = wanted.find((one) => there.has(toPlain(one)));
  return value === undefined ? null : `${what} ${value}`;
}

function toPlain(text: string): string {
  return text.trim().toLowerCase();
}
