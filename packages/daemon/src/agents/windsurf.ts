import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import type { AgentAdapter, AgentRequest, JsonValue } from './agentAdapter.js';
import { type AgentDependencies, readHostPath } from './agentDependencies.js';
import { AgentError } from './agentError.js';
import { writePrivateFile } from './attemptDirectory.js';
import { findProgram } from './findProgram.js';
import { fieldOf, isObject, objectOf, objectsOf, textOf } from './jsonFields.js';
import { judgeEnding } from './judgeEnding.js';

export interface WindsurfAgentConfiguration {
  /** Where the files with the prompts are kept; they outlive the attempt. Default `.neolith/prompts` in `baseDirectory`. */
  readonly promptsDirectory?: string;
}

/** Ids become names of files; nothing else may. */
const SAFE_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/;
const REASON = 'Handed to a person who works with Windsurf.';

/**
 * Windsurf is an editor: only a person can start it on a task, and nothing tells us when it is done. So the prompt is
 * left in a file, and the task waits, blocked with a question. The answer is that person's word that it is done: when
 * the task comes back with it, nothing is run, and the answer is its output.
 */
export function createWindsurfAgent(
  dependencies: AgentDependencies,
  configuration: WindsurfAgentConfiguration,
): AgentAdapter {
  const directory = resolveDirectory(dependencies, configuration);
  return {
    name: 'windsurf',
    /** A person's editor may be on another machine: the agent can always be chosen. */
    async detect() {
      const path = await findProgram('windsurf', readHostPath(dependencies));
      return { found: true, ...(path === null ? {} : { path }) };
    },
    async start(request) {
      const answer = readAnswer(request.context);
      if (answer !== null) return { done: true, output: answer };
      const file = await leavePrompt(directory, request);
      return {
        handOff: true,
        reason: `${REASON} The task is in ${file}.`,
        question: `Open ${request.workingDirectory} in Windsurf, let Cascade do what ${file} says, and see to it that the work is in the branch it names. What was done?`,
      };
    },
    result: judgeEnding,
  };
}

function resolveDirectory(
  { baseDirectory }: AgentDependencies,
  { promptsDirectory = join('.neolith', 'prompts') }: WindsurfAgentConfiguration,
): string {
  return isAbsolute(promptsDirectory) ? promptsDirectory : resolve(baseDirectory, promptsDirectory);
}

async function leavePrompt(directory: string, request: AgentRequest): Promise<string> {
  const { taskId, attemptId, prompt } = request;
  if (!SAFE_ID.test(taskId) || !SAFE_ID.test(attemptId)) {
    throw new AgentError(
      'ATTEMPT_DIRECTORY_UNUSABLE',
      `${JSON.stringify(taskId)} can't name a file: a task id has letters, digits, "-" and "_" only.`,
    );
  }
  const file = join(directory, `${taskId}.md`);
  const unfinished = join(directory, `${taskId}.${attemptId}.part`);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await chmod(directory, 0o700);
    await rm(unfinished, { force: true });
    await writePrivateFile(unfinished, prompt);
    await rename(unfinished, file);
  } catch (cause) {
    throw new AgentError(
      'ATTEMPT_DIRECTORY_UNUSABLE',
      `Cannot write the prompt to ${file}: ${(cause as Error).message}. Check permissions and free space there, or choose another directory for the prompts of Windsurf.`,
      { cause },
    );
  }
  return file;
}

/** An answer to another question, of another agent before, says nothing about this task being done. */
function readAnswer(context: JsonValue): string | null {
  if (!isObject(context)) return null;
  const answer = textOf(objectOf(context, 'task'), 'answer').trim();
  const [last] = objectsOf(context, 'previousAttempts');
  if (answer === '' || last === undefined || fieldOf(last, 'status') !== 'BLOCKED') return null;
  const reason = textOf(last, 'error');
  return reason === '' || reason.startsWith(REASON) ? answer : null;
}
