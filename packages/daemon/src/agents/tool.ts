import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import type { AgentAdapter, JsonValue } from './agentAdapter.js';
import type { AgentDependencies } from './agentDependencies.js';
import { buildAgentEnvironment, pickVariables } from './agentEnvironment.js';
import { AgentError } from './agentError.js';
import type { AgentKind } from './agentKind.js';
import { fingerprintOf } from './fingerprint.js';
import { isObject, objectOf } from './jsonFields.js';
import { judgeEnding } from './judgeEnding.js';
import { readProtocolLine } from './parseProtocolLine.js';
import { findRunner } from './runnerFile.js';
import { listSecretValues } from './secretVariables.js';
import { LIST_MAX, milliseconds, surroundings, words } from './settings.js';

/** From the daemon's configuration and nowhere else: a task chooses among what is allowed here. */
export interface ToolAgentConfiguration {
  /** What `run_tests` runs: a program with its arguments, never through a shell. Absent: there is no such tool. */
  readonly testCommand?: readonly string[];
  /** Hosts that `http_request` may ask: `api.example`, or `api.example:8443`. Default none. */
  readonly allowedHosts?: readonly string[];
  /** Those of the allowed hosts that may be in a private network, or spoken to without TLS. Default none. */
  readonly privateHosts?: readonly string[];
  /** Longest answer of `http_request`, and longest file of `write_file`. Default 262,144. */
  readonly maxBytes?: number;
  /** How long `http_request` waits in all. Default 30,000. */
  readonly requestTimeoutMs?: number;
  /** Further variables of the daemon's environment to pass on to the test command. Default none. */
  readonly environmentNames?: readonly string[];
}

const MAX_BYTES = 256 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;

/**
 * Does tasks that need no model. Which tool, and with what, stands in the task's metadata:
 *
 * - `{"tool": "write_file", "path": "src/a.txt", "content": "…"}` below the working directory, through no link, and
 *   nothing of git's
 * - `{"tool": "run_tests"}` the configured command; red fails the attempt
 * - `{"tool": "http_request", "url": "https://api.example/…", "method": "GET", "headers": {…}, "body": "…"}` to an
 *   allowed host at a public address, following no redirect
 *
 * Each runs in a process of its own, with the limits of any other agent.
 */
export function createToolAgent(
  dependencies: AgentDependencies,
  configuration: ToolAgentConfiguration,
): AgentAdapter {
  const settings = readSettings(configuration);
  return {
    name: 'tool',
    fingerprint: () =>
      fingerprintOf({
        configuration,
        variables: pickVariables(dependencies.hostEnvironment, configuration.environmentNames ?? []),
        files: settings.testCommand.filter((part) => isAbsolute(part)),
      }),
    detect: async () => ({ found: true, path: findRunner('runTool.mjs') }),
    async start(request) {
      const passed = buildAgentEnvironment(
        dependencies.hostEnvironment,
        configuration.environmentNames ?? [],
      );
      return {
        command: process.execPath,
        args: [findRunner('runTool.mjs')],
        environment: {
          ...passed,
          NEOLITH_TASK_ID: request.taskId,
          NEOLITH_ATTEMPT_ID: request.attemptId,
          NEOLITH_RESULT_FILE: join(request.attemptDirectory, 'result.json'),
        },
        input: JSON.stringify({ call: readCall(request.context), settings }),
        resultFile: join(request.attemptDirectory, 'result.json'),
        lingerAfterResultMs: null,
        secrets: listSecretValues(passed),
      };
    },
    createLineReader: () => readProtocolLine,
    result: judgeEnding,
  };
}

function readSettings(configuration: ToolAgentConfiguration) {
  const { testCommand = [], allowedHosts = [], privateHosts = [] } = configuration;
  const { maxBytes = MAX_BYTES, requestTimeoutMs = REQUEST_TIMEOUT_MS } = configuration;
  if (testCommand.some((part) => part.includes('\0')) || testCommand[0] === '') {
    throw new AgentError(
      'AGENT_CONFIGURATION_INVALID',
      "The tool agent's test command is empty, or has a NUL character in it. Name a program, or leave the command out.",
    );
  }
  const stray = privateHosts.find((host) => !allowedHosts.includes(host));
  if (stray !== undefined) {
    throw new AgentError(
      'AGENT_CONFIGURATION_INVALID',
      `${JSON.stringify(stray)} is among the private hosts of the tool agent, but not among the allowed ones. Add it there as well.`,
    );
  }
  return { testCommand, allowedHosts, privateHosts, maxBytes, requestTimeoutMs };
}

/** Judged by the runner, which tells what is wrong with it. */
function readCall(context: JsonValue): JsonValue {
  return isObject(context) ? { ...objectOf(objectOf(context, 'task'), 'metadata') } : {};
}

const host = z
  .string()
  .regex(/^[\w.-]{1,253}(?::\d{1,5})?$/, 'must be a host, such as "api.example" or "api.example:8443"');

export const toolAgent: AgentKind<ToolAgentConfiguration> = {
  settings: z.strictObject({
    testCommand: words.min(1, 'must not be an empty list').exactOptional(),
    allowedHosts: z.array(host).max(LIST_MAX).exactOptional(),
    privateHosts: z.array(host).max(LIST_MAX).exactOptional(),
    maxBytes: z
      .number()
      .int('must be a whole number')
      .min(1)
      .max(64 * 1024 * 1024)
      .exactOptional(),
    requestTimeoutMs: milliseconds.exactOptional(),
    ...surroundings,
  }),
  create: createToolAgent,
};
