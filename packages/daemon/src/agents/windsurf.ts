import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { z } from 'zod';
import type { AgentAdapter, AgentRequest, JsonValue } from './agentAdapter.js';
import { type AgentDependencies, readHostPath } from './agentDependencies.js';
import { AgentError } from './agentError.js';
import type { AgentKind } from './agentKind.js';
import { writePrivateFile } from './attemptDirectory.js';
import { findProgram } from './findProgram.js';
import { fieldOf, isObject, objectOf, objectsOf, textOf } from './jsonFields.js';
import { judgeEnding } from './judgeEnding.js';
import { word } from './settings.js';

export interface WindsurfAgentConfiguration {
  /** Where the files with the prompts are kept; they outlive the attempt. Default `.neolith/prompts` in `baseDirectory`. */
  readonly promptsDirectory?: string;
}

/** Ids become names of files; nothing else may. */
const SAFE_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/;
const REASON = 'Handed to a person who works with Windsurf.';
/** The answer by which a person asks for a new place, where the old one is lost. */
const AGAIN = 'again';

/**
 * Windsurf is an editor: only a person can start it on a task, and nothing tells us when it is done. So the prompt is
 * left in a file, and the task waits, blocked with a question. The answer is that person's word that it is done: when
 * the task comes back with it to where the work lies, nothing is run, and the answer is its output. Anywhere else the
 * work could not be committed: there the task waits on, and says where it has to go.
 */
export function createWindsurfAgent(
  dependencies: AgentDependencies,
  configuration: WindsurfAgentConfiguration,
): AgentAdapter {
  const directory = resolveDirectory(dependencies, configuration);
  return {
    name: 'windsurf',
    handsOver: true,
    /** A person's editor may be on another machine: the agent can always be chosen. */
    async detect() {
      const path = await findProgram('windsurf', readHostPath(dependencies));
      return { found: true, ...(path === null ? {} : { path }) };
    },
    async start(request) {
      const answered = readAnswer(request.context);
      const here = findPlace(request);
      if (answered !== null) {
        const { answer, reason, place } = answered;
        if (place === null || isSame(place, here)) {
          await rm(join(directory, `${request.taskId}.md`), { force: true });
          return { done: true, output: answer };
        }
        return { handOff: true, here: false, reason, question: askToGoBack(place) };
      }
      const file = await leavePrompt(directory, request);
      const [where, open] =
        here === null
          ? ['', 'In Windsurf']
          : [
              ` The place to work is ${here.directory} on ${here.host}.`,
              `Open ${here.directory} in Windsurf`,
            ];
      return {
        handOff: true,
        here: here !== null,
        reason: `${REASON}${where} The task is in ${file}.`,
        question: `${open}, let Cascade do what ${file} says, and leave the work there: it is committed when you have answered. What was done?`,
      };
    },
    result: judgeEnding,
  };
}

function resolveDirectory(
  dependencies: AgentDependencies,
  configuration: WindsurfAgentConfiguration,
): string {
  const wanted =
    configuration.promptsDirectory ?? dependencies.promptsDirectory ?? join('.neolith', 'prompts');
  return isAbsolute(wanted) ? wanted : resolve(dependencies.baseDirectory, wanted);
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

interface Place {
  readonly directory: string;
  readonly host: string;
}

/** Null: the attempt has no place but its own directory, which goes with it. */
function findPlace({ workingDirectory, attemptDirectory }: AgentRequest): Place | null {
  const isOwn = workingDirectory === attemptDirectory || workingDirectory.startsWith(`${attemptDirectory}/`);
  return isOwn ? null : { directory: workingDirectory, host: hostname() };
}

function isSame(place: Place, other: Place | null): boolean {
  return place.directory === other?.directory && place.host === other.host;
}

function askToGoBack({ directory, host }: Place): string {
  const here = hostname() === host ? 'it is not there any more' : `the answer came to ${hostname()}`;
  return `The work was to be done in ${directory} on ${host}, but ${here}, so there is nothing to commit. Answer again when only a daemon on ${host} with that directory takes the task. If the place is lost, answer "${AGAIN}": the task is handed out in a new one.`;
}

/** An answer to another question, of another agent before, says nothing about this task being done. */
function readAnswer(
  context: JsonValue,
): { readonly answer: string; readonly reason: string; readonly place: Place | null } | null {
  if (!isObject(context)) return null;
  const answer = textOf(objectOf(context, 'task'), 'answer').trim();
  // One that was lost in between had nothing to say: the answer was given to the one before.
  const last = objectsOf(context, 'previousAttempts').find((one) => fieldOf(one, 'status') !== 'LOST');
  if (answer === '' || last === undefined || fieldOf(last, 'status') !== 'BLOCKED') return null;
  const reason = textOf(last, 'error');
  if (reason !== '' && !reason.startsWith(REASON)) return null;
  const [, directory, host] = /The place to work is (.+) on (\S+)\. The task is in /s.exec(reason) ?? [];
  const place = directory === undefined || host === undefined ? null : { directory, host };
  return place !== null && answer.toLowerCase() === AGAIN ? null : { answer, reason, place };
}

export const windsurfAgent: AgentKind<WindsurfAgentConfiguration> = {
  settings: z.strictObject({ promptsDirectory: word.exactOptional() }),
  create: createWindsurfAgent,
};
