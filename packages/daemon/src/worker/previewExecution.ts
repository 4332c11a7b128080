import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentAdapter } from '../agents/agentAdapter.js';
import { AgentError } from '../agents/agentError.js';
import {
  buildExecutionRequest,
  describeExecution,
  type ExecutionDescription,
  type ExecutionFacts,
} from './executionRequest.js';

/** Stands for the directory of an attempt that there is none of yet. */
export const ATTEMPT_DIRECTORY = 'ATTEMPT_DIRECTORY';

/** What would be run, or why nothing could be. */
export type ExecutionPreview = ExecutionDescription & { readonly problem: string | null };

/**
 * What a daemon would run for a task: the very request, and what the agent makes of it, in a directory that is removed
 * again. Starts nothing.
 */
export async function previewExecution(
  adapter: AgentAdapter,
  input: Omit<ExecutionFacts, 'attemptDirectory' | 'agent' | 'mayBeSilent'>,
): Promise<ExecutionPreview> {
  const attemptDirectory = await realpath(await mkdtemp(join(tmpdir(), 'neolith-preview-')));
  try {
    const request = buildExecutionRequest({
      ...input,
      agent: adapter.name,
      mayBeSilent: adapter.mayBeSilent,
      attemptDirectory,
    });
    // What it would leave for a person is not left for a preview.
    const started = adapter.handsOver === true ? null : await adapter.start(request);
    const command = started !== null && 'command' in started ? started : null;
    const described = describeExecution(request, command);
    const argv = described.argv?.map((one) => one.replaceAll(attemptDirectory, ATTEMPT_DIRECTORY)) ?? null;
    return { ...described, argv, problem: null };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    const request = buildExecutionRequest({ ...input, agent: adapter.name, attemptDirectory });
    return { ...describeExecution(request, null), problem: error.message };
  } finally {
    await rm(attemptDirectory, { recursive: true, force: true });
  }
}
