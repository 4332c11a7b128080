import { join } from 'node:path';
import type { AgentCommand, AgentRequest } from './agentAdapter.js';
import { buildAgentEnvironment } from './agentEnvironment.js';
import { writePrivateFile } from './attemptDirectory.js';
import { LINGER_AFTER_RESULT_MS } from './commandAgent.js';
import { writePromptFile } from './promptFile.js';
import { listSecretValues } from './secretVariables.js';

export interface OwnProgramSettings {
  /** Of the daemon's environment, to pass on. */
  readonly environmentNames?: readonly string[];
  readonly lingerAfterResultMs?: number | null;
}

/**
 * What a program of the operator's own is given, and where it may leave its result: the context as JSON on stdin and in a
 * file, the task in words in another, and the few variables that name them.
 */
export async function handOverTask(
  request: AgentRequest,
  hostEnvironment: Readonly<Record<string, string | undefined>>,
  settings: OwnProgramSettings,
): Promise<
  Required<Pick<AgentCommand, 'environment' | 'input' | 'resultFile' | 'lingerAfterResultMs' | 'secrets'>>
> {
  const contextFile = join(request.attemptDirectory, 'context.json');
  const resultFile = join(request.attemptDirectory, 'result.json');
  const context = JSON.stringify(request.context);
  await writePrivateFile(contextFile, context);
  const passed = buildAgentEnvironment(hostEnvironment, settings.environmentNames ?? []);
  const { lingerAfterResultMs = LINGER_AFTER_RESULT_MS } = settings;
  return {
    environment: {
      ...passed,
      NEOLITH_TASK_ID: request.taskId,
      NEOLITH_ATTEMPT_ID: request.attemptId,
      NEOLITH_CONTEXT_FILE: contextFile,
      NEOLITH_PROMPT_FILE: await writePromptFile(request),
      NEOLITH_RESULT_FILE: resultFile,
    },
    input: context,
    resultFile,
    lingerAfterResultMs,
    secrets: listSecretValues(passed),
  };
}
