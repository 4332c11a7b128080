import type { BackoffSettings, PlanPriority, PlanRun, PlanTaskStatus } from '@neolith/contracts';
import type { PlanPosition } from './planProblem.js';
import type { ProblemLog } from './problemLog.js';

export interface PlanText {
  readonly file: string;
  /** Without byte order mark. */
  readonly text: string;
}

/** A plan that is several files. */
export interface PlanFolder {
  /** As it should stand in messages. */
  readonly name: string;
  /** By file name. Names are relative to the folder, with `/`. */
  readonly files: readonly PlanText[];
}

export type PlanPath = readonly (string | number)[];

/** A task as one format says it, before anything that concerns several tasks is checked. */
export interface DraftTask {
  readonly sourceId: string;
  readonly title: string;
  readonly description: string | null;
  readonly priority: PlanPriority;
  readonly dueAt: Date | null;
  readonly tags: readonly string[];
  /** What it must not use at once with other tasks, as `exclusive NAME` or `shared NAME`. */
  readonly resources: readonly string[];
  /** As written: may hold unknown ids, the task itself, and an id twice. */
  readonly dependsOn: readonly string[];
  readonly parentSourceId: string | null;
  /** Further parents, which close after the task and give it nothing. */
  readonly extraParentSourceIds: readonly string[];
  readonly status: PlanTaskStatus;
  readonly createdAt: Date | null;
  /** Decides which of two tasks with one id is kept. */
  readonly updatedAt: Date | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly acceptanceCriteria: readonly string[];
  readonly estimateMinutes: number | null;
  readonly maxAttempts: number | null;
  /** How long it waits after a failure; null: as its run says. */
  readonly backoff: BackoffSettings | null;
  readonly timeoutSeconds: number | null;
  readonly orchestrator: string | null;
  /** Id of the phase it names itself; null: that of its parent, or none. */
  readonly phase: string | null;
  /** Ids of phases whose tasks it and its children wait for. */
  readonly afterPhases: readonly string[];
  readonly at: PlanPosition;
  /** Where a part of the task stands, such as `['dependsOn', 2]`; asked only when there is a problem. */
  locate(path: PlanPath): PlanPosition;
}

/** A group of tasks. What its tasks take over from it was given to them by the reader already, but for `after`. */
export interface DraftPhase {
  readonly id: string;
  readonly name: string;
  readonly parent: string | null;
  /** As written: may hold unknown ids. */
  readonly after: readonly string[];
  readonly at: PlanPosition;
  locate(path: PlanPath): PlanPosition;
}

export interface DraftPlan {
  readonly name: string;
  readonly description: string | null;
  readonly run: PlanRun | null;
  readonly phases: readonly DraftPhase[];
  /** True when nothing follows from parents and phases but what `dependsOn` says. */
  readonly dependenciesComplete: boolean;
  /** Of tasks that neither have nor inherit one. */
  readonly dueAt: Date | null;
  readonly tasks: readonly DraftTask[];
  /** Ids the file knows as deleted: depending on one is fine and means nothing. */
  readonly deletedSourceIds: ReadonlySet<string>;
  readonly source: PlanSourceCounts;
}

/** What the file held, counted before anything was repaired or left out. */
export interface PlanSourceCounts {
  /** Tasks written in the file, readable or not. */
  readonly rows: number;
  /** Links between tasks by the word the format has for them. */
  readonly edgeTypes: ReadonlyMap<string, number>;
  /** Links of any type whose other end is not in the file. */
  readonly danglingEdges: number;
  /** Statuses by the word the format has for them. */
  readonly statuses: ReadonlyMap<string, number>;
  readonly missingPriorities: number;
}

export interface PlanReaderOptions {
  /** Null when the caller left it open: then MEDIUM is taken. */
  readonly missingPriority: PlanPriority | null;
  /** The list of tasks to read, where a file holds several under names; null: all. */
  readonly tag: string | null;
}

/**
 * Knows one format. To add a format: write one file with such a reader and name it in `planReaders.ts`.
 * References, parents, cycles, inherited dates and counting are done for all formats in `normalisePlan.ts`.
 */
export interface PlanReader {
  readonly format: string;
  /** How the format is called in messages. */
  readonly title: string;
  /** True when the format is ours to define: then what would be left out is an error. */
  readonly alwaysStrict: boolean;
  /** Cheap; must not throw. `certain` beats `possible`, and the order of `planReaders` decides between equals. */
  recognise(source: PlanText): 'certain' | 'possible' | 'no';
  /** Returns null when the file as a whole can't be read; then at least one error was logged. */
  read(source: PlanText, log: ProblemLog, options: PlanReaderOptions): DraftPlan | null;
  /** For formats that may be several files; the rules of the two functions above hold. */
  readonly folder?: {
    recognise(folder: PlanFolder): boolean;
    read(folder: PlanFolder, log: ProblemLog, options: PlanReaderOptions): DraftPlan | null;
  };
}
