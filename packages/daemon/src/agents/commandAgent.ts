import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import type { AgentAdapter, AgentCommand, AgentRequest, LineReader } from './agentAdapter.js';
import { type AgentDependencies, readHostPath } from './agentDependencies.js';
import { buildAgentEnvironment, pickVariables } from './agentEnvironment.js';
import { AgentError } from './agentError.js';
import { detectLogin } from './detectLogin.js';
import { detectProgram } from './detectProgram.js';
import { findProgram } from './findProgram.js';
import { fingerprintOf } from './fingerprint.js';
import { judgeModelAgent } from './judgeModelAgent.js';
import { writePromptFile } from './promptFile.js';
import { describeProviderFault, type ProviderWords } from './providerFault.js';
import { listSecretValues } from './secretVariables.js';

/** What an operator may set for an agent that is a command. From the daemon's configuration and nowhere else. */
export interface CommandAgentConfiguration {
  /**
   * The program, or the program with its first arguments (`["npx", "claude"]`), instead of the agent's own name in
   * PATH. Never a line for a shell. A relative path begins at `baseDirectory`, not where the task works.
   */
  readonly command?: string | readonly string[];
  /** Further arguments, after ours. What is in them can be seen by everybody on this machine: no secrets. */
  readonly extraArguments?: readonly string[];
  /** For tasks that name none. Default: what the agent itself takes. */
  readonly model?: string;
  /** Further variables of the daemon's environment to pass on. Default none. */
  readonly environmentNames?: readonly string[];
  /** How long it may live on silently after its result. Default 30,000; `null` for ever. */
  readonly lingerAfterResultMs?: number | null;
}

/** What is known when the arguments are chosen. Nothing of a task's text is in it. */
export interface CommandStart {
  /** Holds the whole prompt. Only its owner may read it. */
  readonly promptFile: string;
  readonly attemptDirectory: string;
  readonly workingDirectory: string;
  /** Checked: it looks like the name of a model, and like no option. */
  readonly model: string | undefined;
}

/** Which flags we use, so that a test can hold them against what the command itself says of them. */
export interface CheckedFlags {
  /** The version that they were checked against, or whose documentation they are from. */
  readonly version: string;
  /** Of npm, where it comes from there; null: it can't be had there, and was not run by us. */
  readonly npmPackage: string | null;
  /** The name of its program, as the package installs it. */
  readonly program: string;
  readonly helps: readonly { readonly args: readonly string[]; readonly flags: readonly string[] }[];
}

export interface CommandAgentDescription extends ProviderWords {
  readonly name: string;
  /** The program, as it is found in PATH. */
  readonly program: string;
  /** How to get it, as a sentence. */
  readonly install: string;
  readonly checked: CheckedFlags;
  readonly credentials: {
    /** Their values are secrets. */
    readonly variables: readonly string[];
    /** Below the home directory: there when somebody has logged in. */
    readonly files: readonly string[];
  };
  /** Further variables of the daemon's environment that it is given: endpoints, folders of its settings. */
  readonly variables: readonly string[];
  /** See `AgentCommand`. */
  readonly scratch?: readonly string[];
  /** Set for each start. */
  readonly environment?: Readonly<Record<string, string>>;
  /** `stdin`: the prompt is its input. `file`: its input is empty, and its arguments name the file. */
  readonly promptBy: 'stdin' | 'file';
  /** How long it may live on silently after its result, where nothing is configured. Default 30,000. */
  readonly lingerAfterResultMs?: null;
  arguments(start: CommandStart): readonly string[];
  createLineReader(): LineReader;
  /** How to read the file that one of its arguments names, where it leaves what it used up in one. */
  usageFile?(start: CommandStart): NonNullable<AgentCommand['usageFile']>;
}

/** What commands that go through the net need to get there, and to find their settings. */
const PASSED_TO_COMMANDS = [
  'USER',
  'LOGNAME',
  'SHELL',
  'LC_ALL',
  'TZ',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'XDG_CONFIG_HOME',
  'XDG_DATA_HOME',
  'XDG_STATE_HOME',
  'XDG_CACHE_HOME',
] as const;

/** Of agents that say nothing else. */
export const LINGER_AFTER_RESULT_MS = 30_000;
/** Events that hold whole files are long lines; what is cut can't be read any more. */
const LINE_LIMIT_BYTES = 2 * 1024 * 1024;
/** It looks like the name of a model, and like no option. */
export const MODEL_NAME = /^[A-Za-z0-9][\w.:/@+[\]-]{0,199}$/;

/**
 * Makes the adapter of an agent that is a command: finds it, gives it the prompt by stdin or in a file, lets it see the
 * allowed part of the environment, and reads what it prints. Besides what its description names it finds
 * `NEOLITH_TASK_ID`, `NEOLITH_ATTEMPT_ID`, `NEOLITH_PROMPT_FILE` and `NEOLITH_RESULT_FILE`.
 */
export function createCommandAgent(
  dependencies: AgentDependencies,
  configuration: CommandAgentConfiguration,
  description: CommandAgentDescription,
): AgentAdapter {
  const { title, name } = description;
  const program = readProgram(dependencies, configuration, description);
  checkModel(configuration.model, name);
  const hostPath = readHostPath(dependencies);
  const missing = `${title} was not found: ${JSON.stringify(program.command)} is no executable file in PATH. ${description.install}`;
  const { lingerAfterResultMs = description.lingerAfterResultMs === null ? null : LINGER_AFTER_RESULT_MS } =
    configuration;
  const names = [
    ...PASSED_TO_COMMANDS,
    ...description.credentials.variables,
    ...description.variables,
    ...(configuration.environmentNames ?? []),
  ];
  const environment = (): Record<string, string> => ({
    // Nobody is there to type a password.
    GIT_TERMINAL_PROMPT: '0',
    ...description.environment,
    // Last: what an operator names on purpose counts.
    ...buildAgentEnvironment(dependencies.hostEnvironment, names),
  });

  const { hostEnvironment } = dependencies;
  return {
    name,
    fingerprint: () =>
      fingerprintOf({
        configuration,
        variables: pickVariables(hostEnvironment, [
          ...description.variables,
          ...(configuration.environmentNames ?? []),
        ]),
        credentials: Object.keys(pickVariables(hostEnvironment, description.credentials.variables)),
        // A wrapper of the operator's; the agent's own program says which version it is.
        files:
          configuration.command === undefined ? [] : [program.command, ...program.args].filter(isAbsolute),
      }),
    async detect() {
      const detection = await detectProgram({
        title,
        program: program.command,
        leadingArguments: program.args,
        versionArguments: ['--version'],
        path: hostPath,
        environment: environment(),
        install: description.install,
      });
      if (!detection.found) return detection;
      const home = dependencies.hostEnvironment.HOME ?? homedir();
      return { ...detection, login: await detectLogin(dependencies.hostEnvironment, home, description) };
    },
    findMissing: async () => ((await findProgram(program.command, hostPath)) === null ? missing : null),
    async start(request: AgentRequest): Promise<AgentCommand> {
      const model = request.model ?? configuration.model;
      checkModel(model, name);
      const command = await findProgram(program.command, hostPath);
      if (command === null) throw new AgentError('AGENT_NOT_FOUND', missing);
      const promptFile = await writePromptFile(request);
      const resultFile = join(request.attemptDirectory, 'result.json');
      const { attemptDirectory, workingDirectory } = request;
      const start: CommandStart = { promptFile, attemptDirectory, workingDirectory, model };
      const passed = environment();
      return {
        command,
        args: [...program.args, ...description.arguments(start), ...(configuration.extraArguments ?? [])],
        environment: {
          ...passed,
          NEOLITH_TASK_ID: request.taskId,
          NEOLITH_ATTEMPT_ID: request.attemptId,
          NEOLITH_PROMPT_FILE: promptFile,
          NEOLITH_RESULT_FILE: resultFile,
        },
        input: description.promptBy === 'stdin' ? request.prompt : '',
        resultFile,
        ...(description.usageFile === undefined ? {} : { usageFile: description.usageFile(start) }),
        ...(description.scratch === undefined ? {} : { scratch: description.scratch }),
        lingerAfterResultMs,
        secrets: [
          ...description.credentials.variables.flatMap((variable) => passed[variable] ?? []),
          ...listSecretValues(passed),
        ],
        lineLimitBytes: LINE_LIMIT_BYTES,
      };
    },
    createLineReader: () => description.createLineReader(),
    result: (ending) => judgeModelAgent(ending, (message) => describeProviderFault(description, { message })),
  };
}

/** What stands in argv for an agent that takes its prompt nowhere else. */
export function pointToPrompt(promptFile: string): string {
  return `Read the whole file ${promptFile} and do what it says. It holds your task.`;
}

function readProgram(
  { baseDirectory }: AgentDependencies,
  { command, extraArguments = [] }: CommandAgentConfiguration,
  { name, program }: CommandAgentDescription,
): { readonly command: string; readonly args: readonly string[] } {
  const [first, ...args] =
    command === undefined ? [program] : typeof command === 'string' ? [command] : command;
  const parts = [first ?? '', ...args, ...extraArguments];
  if (first === undefined || first.trim() === '' || parts.some((part) => part.includes('\0'))) {
    throw new AgentError(
      'AGENT_CONFIGURATION_INVALID',
      `The command of the agent ${name} is empty, or has a NUL character in it. Name a program, or leave the command out.`,
    );
  }
  const isRelativePath = first.includes('/') && !isAbsolute(first);
  return { command: isRelativePath ? resolve(baseDirectory, first) : first, args };
}

/** A model may be chosen by a task: it must not become an option, or anything else. */
function checkModel(model: string | undefined, agent: string): void {
  if (model === undefined || MODEL_NAME.test(model)) return;
  throw new AgentError(
    'AGENT_CONFIGURATION_INVALID',
    `${JSON.stringify(model.slice(0, 200))} can't be the name of a model for the agent ${agent}. Use letters, digits and . : / @ + - _ [ ], beginning with a letter or digit.`,
  );
}
