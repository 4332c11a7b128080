import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { extname, isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import type { AgentAdapter, AgentDetection } from './agentAdapter.js';
import { type AgentDependencies, readHostPath } from './agentDependencies.js';
import { pickVariables } from './agentEnvironment.js';
import { AgentError } from './agentError.js';
import type { AgentKind } from './agentKind.js';
import { findProgram } from './findProgram.js';
import { fingerprintOf } from './fingerprint.js';
import { judgeEnding } from './judgeEnding.js';
import { handOverTask } from './ownProgram.js';
import { readProtocolLine } from './parseProtocolLine.js';
import { findRunner } from './runnerFile.js';
import { lingerAfterResultMs, surroundings, word } from './settings.js';

export interface ScriptAgentConfiguration {
  /**
   * A Node (`.js`, `.mjs`, `.cjs`) or Python (`.py`) file; a relative path begins at `baseDirectory`. Absent: the agent
   * is off. From the daemon's configuration and nowhere else.
   */
  readonly file?: string;
  /** A function that the file exports; it is called with the task. Absent: the file is run as a program. */
  readonly function?: string;
  /** Further variables of the daemon's environment to pass on. Default none. */
  readonly environmentNames?: readonly string[];
  /** How long it may live on silently after its result. Default 30,000; `null` for ever. */
  readonly lingerAfterResultMs?: number | null;
}

interface Script {
  readonly file: string;
  readonly language: 'node' | 'python';
  readonly functionName: string | undefined;
}

export const FUNCTION_NAME = /^[A-Za-z_$][\w$]{0,199}$/;
const REMEDY =
  'The script agent is off until a file is configured: "script": {"file": "work.mjs"} in agents.config.json; a .js, .mjs, .cjs or .py file.';

/**
 * Runs a file, or a function in it, for each task. A file finds what the shell agent's command finds, and speaks the
 * same line protocol. A function is called with the task, by a small program of ours in a process of its own:
 * `{ taskId, attemptId, workingDirectory, context, prompt, progress, message, artifact, metadata, block }`, in Python
 * with underscores. What it returns is the result; what it throws fails the attempt.
 */
export function createScriptAgent(
  dependencies: AgentDependencies,
  configuration: ScriptAgentConfiguration,
): AgentAdapter {
  const script = readScript(dependencies, configuration);
  const hostPath = readHostPath(dependencies);

  async function detect(): Promise<AgentDetection> {
    if (script === null) return { found: false, remedy: REMEDY };
    const interpreter = await findInterpreter(script, hostPath);
    if (interpreter === null) {
      return { found: false, remedy: `${script.file} needs python3, which is not in PATH. Install it.` };
    }
    try {
      await access(script.file, constants.R_OK);
      return { found: true, path: script.file };
    } catch (error) {
      return {
        found: false,
        remedy: `The script agent can't read ${script.file}: ${(error as Error).message}. Check its path and permissions.`,
      };
    }
  }

  return {
    name: 'script',
    mayBeSilent: true,
    fingerprint: () =>
      fingerprintOf({
        configuration,
        variables: pickVariables(dependencies.hostEnvironment, configuration.environmentNames ?? []),
        files: script === null ? [] : [script.file],
      }),
    detect,
    findMissing: async () => (await detect()).remedy ?? null,
    async start(request) {
      const detection = await detect();
      const interpreter = script === null ? null : await findInterpreter(script, hostPath);
      if (script === null || !detection.found || interpreter === null) {
        throw new AgentError(
          script === null ? 'AGENT_NOT_CONFIGURED' : 'AGENT_NOT_FOUND',
          detection.remedy ?? REMEDY,
        );
      }
      const given = await handOverTask(request, dependencies.hostEnvironment, configuration);
      return {
        ...given,
        command: interpreter,
        args: readArguments(script),
        // Else what it says comes when its buffer is full.
        environment: {
          ...given.environment,
          ...(script.language === 'python' ? { PYTHONUNBUFFERED: '1' } : {}),
        },
      };
    },
    createLineReader: () => readProtocolLine,
    result: judgeEnding,
  };
}

function readScript(
  { baseDirectory }: AgentDependencies,
  configuration: ScriptAgentConfiguration,
): Script | null {
  const { file, function: functionName } = configuration;
  if (file === undefined) return null;
  const language = { '.js': 'node', '.mjs': 'node', '.cjs': 'node', '.py': 'python' }[extname(file)];
  if ((language !== 'node' && language !== 'python') || file.includes('\0')) {
    throw new AgentError(
      'AGENT_CONFIGURATION_INVALID',
      `${JSON.stringify(file)} is no file that the script agent can run. Name a .js, .mjs, .cjs or .py file.`,
    );
  }
  if (functionName !== undefined && !FUNCTION_NAME.test(functionName)) {
    throw new AgentError(
      'AGENT_CONFIGURATION_INVALID',
      `${JSON.stringify(functionName)} can't be the name of a function. Name one that ${file} exports.`,
    );
  }
  return { file: isAbsolute(file) ? file : resolve(baseDirectory, file), language, functionName };
}

/** Node is the one that runs the daemon; `python3` is looked for. */
async function findInterpreter({ language }: Script, hostPath: string): Promise<string | null> {
  return language === 'node' ? process.execPath : findProgram('python3', hostPath);
}

function readArguments({ file, language, functionName }: Script): string[] {
  if (functionName === undefined) return [file];
  return [findRunner(language === 'node' ? 'callFunction.mjs' : 'call_function.py'), file, functionName];
}

export const scriptAgent: AgentKind<ScriptAgentConfiguration> = {
  settings: z.strictObject({
    file: word.regex(/\.(?:js|mjs|cjs|py)$/, 'must be a .js, .mjs, .cjs or .py file').exactOptional(),
    function: z.string().regex(FUNCTION_NAME, "can't be the name of a function").exactOptional(),
    lingerAfterResultMs,
    ...surroundings,
  }),
  create: createScriptAgent,
};
