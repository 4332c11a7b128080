import type { TaskExecutionContext } from '@neolith/contracts';
import { preparePrompt } from '../prompts/preparePrompt.js';
import type { WorkSite } from './workplace.js';

/** What an agent is told about its task. */
export function writePrompt(
  context: TaskExecutionContext,
  { project, worktree }: WorkSite,
  agent: string,
  secrets: readonly string[],
  mayAsk: boolean,
): Promise<string> {
  return preparePrompt({ context, agent, directory: null, project, worktree, secrets, mayAsk });
}
