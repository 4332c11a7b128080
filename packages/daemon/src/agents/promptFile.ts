import { join } from 'node:path';
import type { AgentRequest } from './agentAdapter.js';
import { writePrivateFile } from './attemptDirectory.js';

/** Writes the prompt into the attempt's directory, mode 0600, and returns its path. Once for each attempt. */
export async function writePromptFile(
  request: Pick<AgentRequest, 'attemptDirectory' | 'prompt'>,
): Promise<string> {
  const path = join(request.attemptDirectory, 'prompt.md');
  await writePrivateFile(path, request.prompt);
  return path;
}
