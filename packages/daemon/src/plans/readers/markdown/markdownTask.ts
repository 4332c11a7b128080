import type { BackoffSettings, PlanPriority, PlanTaskStatus } from '@neolith/contracts';
import type { PlanPosition } from '../../planProblem.js';
import type { Attribute } from './readAttributes.js';

/** A phase as its heading says it. */
export interface MarkdownPhase {
  readonly name: string;
  /** As written with `id:`. */
  readonly givenId: string | null;
  readonly parent: MarkdownPhase | null;
  readonly at: PlanPosition;
  readonly settings: MarkdownSettings;
  /** Names of what its tasks wait for. */
  readonly after: Attribute[];
}

/** What a heading or a task may say for everything below it; undefined: what is around it says. */
export interface MarkdownSettings {
  priority?: PlanPriority;
  dueAt?: Date;
  tags: string[];
  /** As `exclusive NAME` or `shared NAME`; those of a parent are not handed down. */
  resources?: string[];
  orchestrator?: string;
  agent?: string;
  maxAttempts?: number;
  /** Of the plan as a whole; a task in Markdown has no words for it. */
  backoff?: BackoffSettings;
  timeoutSeconds?: number;
}

/** A task before its id and its dependencies are worked out. */
export interface MarkdownTask {
  givenId: string | null;
  readonly title: string;
  readonly phase: MarkdownPhase | null;
  readonly parent: MarkdownTask | null;
  /** The one before it in the same list. */
  readonly previous: MarkdownTask | null;
  /** In a numbered list. */
  readonly number: number | null;
  status: PlanTaskStatus;
  readonly settings: MarkdownSettings;
  readonly after: Attribute[];
  estimateMinutes: number | null;
  readonly acceptanceCriteria: string[];
  readonly description: string[];
  /** Attributes whose value can't be read, by their key. */
  readonly unread: Record<string, string>;
  readonly at: PlanPosition;
}
