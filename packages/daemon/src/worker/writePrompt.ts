import { randomUUID } from 'node:crypto';
import type { TaskExecutionContext } from '@neolith/contracts';
import { writeTaskPrompt } from '../prompts/writeTaskPrompt.js';
import type { WorkSite } from './workplace.js';

/** What an agent is told about its task. */
export function writePrompt(context: TaskExecutionContext, site: WorkSite, agent: string): string {
  const { project, worktree } = site;
  return writeTaskPrompt({ context, project, worktree, agent, delimiter: randomUUID() });
}
