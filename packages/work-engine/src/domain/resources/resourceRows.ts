import type { ResourceUse } from '@neolith/contracts';

/** A use that is held, as the database has it. */
export interface HoldRow {
  attempt_id: string;
  task_id: string;
  title: string;
  use: string;
  since: Date;
}

/** A wait, as the database has it. */
export interface WaitRow {
  task_id: string;
  /** Null: the task has not begun. */
  attempt_id: string | null;
  title: string;
  uses: string[];
  since: Date;
  /** Whether it holds back what would take what it waits for. */
  binds: boolean;
  refused: boolean;
  score: number;
  claimed_at: Date | null;
}

/** Of the event of a deadlock: each of the cycle waits for the next, and the last for the first. */
export type DeadlockData = {
  cycle: {
    taskId: string;
    title: string;
    attemptId: string;
    asksFor: Pick<ResourceUse, 'resource' | 'mode'>[];
    since: string;
    score: number;
  }[];
  givesWay: string;
};
