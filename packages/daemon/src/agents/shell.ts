import { isAbsolute, resolve } from 'node:path';
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
import { command, lingerAfterResultMs, surroundings } from './settings.js';

export interface ShellAgentConfiguration {
  /**
   * What to run: a program with its arguments, or a line for `/bin/sh -c`. Absent: the agent is off. Comes
   * from the daemon's configuration and nowhere else; nothing of a task is ever put into it.
   * A program given as a relative path is looked for in `baseDirectory`, not where the task works.
   */
  readonly command?: string | readonly string[];
  /** Further variables of the daemon's environment to pass on. Default none. */
  readonly environmentNames?: readonly string[];
  /** How long it may live on silently after its result. Default 30,000; `null` for ever. */
  readonly lingerAfterResultMs?: number | null;
}

const REMEDY =
  'The shell agent is off until a command is configured: "shell": {"command": ["./agent.sh", "--fast"]} in agents.config.json, or a line for /bin/sh by --shell-command.';

/**
 * Runs a command of the operator's choice for each task. It finds the task's context as JSON on stdin and in
 * the file `NEOLITH_CONTEXT_FILE`, the task in words in the file `NEOLITH_PROMPT_FILE`, and besides
 * `NEOLITH_TASK_ID`, `NEOLITH_ATTEMPT_ID` and `NEOLITH_RESULT_FILE`, to which it may write its result as JSON. Of
 * the daemon's environment it sees `PATH`, `HOME`, `LANG`, `TMPDIR`, `TERM` and what is configured. What it may print is told at `parseProtocolLine`;
 * how its ending is judged, at `judgeEnding`.
 *
 * Its streams are sockets: a script writes to stderr by `>&2`; opening `/dev/stderr` by name fails.
 */
export function createShellAgent(
  dependencies: AgentDependencies,
  configuration: ShellAgentConfiguration,
): AgentAdapter {
  const program = readProgram(configuration.command, dependencies.baseDirectory);
  const hostPath = readHostPath(dependencies);

  async function detect(): Promise<AgentDetection> {
    if (program === null) return { found: false, remedy: REMEDY };
    const path = await findProgram(program.command, hostPath);
    if (path !== null) return { found: true, path };
    return {
      found: false,
      remedy: `${JSON.stringify(program.command)} is not an executable file. Check the shell agent's command.`,
    };
  }

  return {
    name: 'shell',
    mayBeSilent: true,
    fingerprint: () =>
      fingerprintOf({
        configuration,
        variables: pickVariables(dependencies.hostEnvironment, configuration.environmentNames ?? []),
        files: program === null ? [] : [program.command, ...program.args].filter(isAbsolute),
      }),
    detect,
    findMissing: async () => (await detect()).remedy ?? null,
    async start(request) {
      if (program === null) throw new AgentError('AGENT_NOT_CONFIGURED', REMEDY);
      return {
        ...program,
        ...(await handOverTask(request, dependencies.hostEnvironment, configuration)),
      };
    },
    createLineReader: () => readProtocolLine,
    result: judgeEnding,
  };
}

function readProgram(
  command: ShellAgentConfiguration['command'],
  baseDirectory: string,
): { readonly command: string; readonly args: readonly string[] } | null {
  if (command === undefined) return null;
  const parts = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
  const [first, ...args] = parts;
  const line = typeof command === 'string' ? command : first;
  if (
    first === undefined ||
    line === undefined ||
    line.trim() === '' ||
    parts.some((p) => p.includes('\0'))
  ) {
    throw new AgentError(
      'AGENT_CONFIGURATION_INVALID',
      "The shell agent's command is empty or holds a NUL character. Name a program, or leave the command out to switch the agent off.",
    );
  }
  const isRelativePath = first.includes('/') && !isAbsolute(first);
  return { command: isRelativePath ? resolve(baseDirectory, first) : first, args };
}

export const shellAgent: AgentKind<ShellAgentConfiguration> = {
  settings: z.strictObject({ command: command.exactOptional(), lingerAfterResultMs, ...surroundings }),
  create: createShellAgent,
};
