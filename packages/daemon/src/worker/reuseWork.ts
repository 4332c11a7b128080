import type { ClaimWithContext } from '@neolith/contracts';
import type { JsonValue } from '../agents/agentAdapter.js';
import type { CacheKeyParts, ReusedFrom, ReusedWork } from '../git/resultCache.js';
import { preparePrompt } from '../prompts/preparePrompt.js';
import type { ChosenAgent } from './agentChooser.js';
import type { AttemptOutcome } from './describeOutcome.js';
import type { WorkSite } from './workplace.js';

/** Work of a task that is in the target branch by an earlier attempt. */
export interface MergedBefore {
  readonly branch: string;
  readonly commit: string;
  readonly attemptId: string;
}

/** All that decides a result, but for the commit it begins at. */
export type ResultParts = Omit<CacheKeyParts, 'baseCommit'>;

/** Results of earlier tasks, for the one attempt that it was made for. */
export interface ResultStore {
  /** Puts a result of the same parts into the worktree. `reason`: why one that is there can't be used. */
  recall(parts: ResultParts): Promise<{ readonly reused: ReusedWork | null; readonly reason: string | null }>;
  keep(
    parts: ResultParts,
    result: { readonly commit: string | null; readonly output: JsonValue },
  ): Promise<void>;
}

/** In place of the random one, which would make every prompt another. */
const DELIMITER = 'same-for-all-results';

/**
 * Whether work of a task that is found in the target branch stands for the task: no attempt before was accepted, so it can
 * only be of one that was ended between its merge and telling it. Where one was accepted, somebody has the task done
 * once more, on purpose. Pure.
 */
export function mayStandForTask({
  attempt,
  context,
}: Pick<ClaimWithContext, 'attempt' | 'context'>): boolean {
  const { previousAttempts } = context;
  return (
    previousAttempts.length > 0 &&
    // The server tells of the last few only.
    previousAttempts.length === attempt.number - 1 &&
    previousAttempts.every(({ status }) => status !== 'SUCCEEDED')
  );
}

/** Why no agent was run: the work had been done before, or was taken over. */
export type Instead = { readonly mergedBefore: MergedBefore } | { readonly reusedFrom: ReusedFrom };

/** The outcome of an attempt without an agent. Pure. */
export function describeInstead(
  facts: { readonly attemptId: string; readonly agent: string },
  instead: Instead,
  output: JsonValue,
): AttemptOutcome {
  const { attemptId, agent } = facts;
  return {
    kind: 'complete',
    body: { attemptId, status: 'completed', output, artifacts: [], metrics: { agent, ...instead } },
  };
}

/**
 * What makes two tasks the same: all that an agent is told, apart from ids, the place it works at, and which tasks stand
 * around it: in a workspace that lives on those are others each time, if only the twin that was done before.
 */
export async function describeParts(
  { context }: Pick<ClaimWithContext, 'context'>,
  { project }: Pick<WorkSite, 'project'>,
  { adapter, model, version }: ChosenAgent,
  secrets: readonly string[],
): Promise<ResultParts> {
  const { task, dependencies } = context;
  const prompt = await preparePrompt({
    context: { ...context, relatedTasks: [] },
    agent: adapter.name,
    directory: null,
    project,
    worktree: null,
    secrets,
    delimiter: DELIMITER,
  });
  return {
    prompt,
    volatile: [task.id, task.runId ?? '', ...dependencies.map(({ taskId }) => taskId)],
    // Agents that are programs read the context itself.
    inputs: {
      metadata: task.metadata as JsonValue,
      dependencies: dependencies.map(({ result }) => (result?.output ?? null) as JsonValue),
    },
    agent: JSON.stringify([adapter.name, (await adapter.fingerprint?.()) ?? null, version ?? null]),
    model: model ?? null,
  };
}
