import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentAdapter } from '../../../src/agents/agentAdapter.js';
import { CLAUDE_CHECKED } from '../../../src/agents/claude.js';
import { CODEX_CHECKED } from '../../../src/agents/codex.js';
import type { CheckedFlags } from '../../../src/agents/commandAgent.js';
import { OPENCODE_CHECKED } from '../../../src/agents/opencode.js';
import { createAgent } from '../../../src/agents/registry.js';
import {
  type MessagesServer,
  type ScriptedRound,
  startMessagesServer,
} from '../../agents/support/messagesServer.js';
import { type ScriptedResponse, startResponsesServer } from '../../agents/support/responsesServer.js';

/** What the scripted model has its agent do next; paths begin at the worktree. */
export type Step =
  | { readonly read: string }
  | { readonly write: string; readonly content: string }
  | { readonly edit: string; readonly from: string; readonly to: string }
  | { readonly run: string };

/** One answer of the model: the tools it calls, or its last words. */
export type Round = readonly Step[] | string;

/** What the model answers to a call, found in the call: its text, and how many answers it has had. */
export type Script = (call: { readonly text: string; readonly place: number }) => Round;

export interface ScriptedAgent {
  readonly adapter: AgentAdapter;
  /** The bodies of the calls of its model, as text. */
  calls(): readonly string[];
  close(): Promise<void>;
}

/** A real command, and a provider of ours for it that speaks as a script says. */
export interface ScriptedCommand {
  readonly name: string;
  readonly checked: CheckedFlags;
  /** Whether it reckons what its calls cost. */
  readonly tellsCost: boolean;
  start(command: string, directory: string, script: Script): Promise<ScriptedAgent>;
}

/** None of a provider; it must turn up nowhere. */
export const KEY = 'sk-ant-api03-planted-key-of-the-test';

/** What each call of the model is said to have used. */
export const USAGE_PER_CALL = { input: 100, output: 20 } as const;

const SCRIPTED_CLAUDE: ScriptedCommand = {
  name: 'claude',
  checked: CLAUDE_CHECKED,
  tellsCost: true,
  async start(command, directory, script) {
    const server = await startMessagesServer();
    server.answer = (text, place) =>
      toMessages(script({ text, place }), (step) => nameClaudeTool(step, findWorktree(text)));
    return { adapter: createClaude(command, directory, server), ...callsOf(server) };
  },
};

const SCRIPTED_OPENCODE: ScriptedCommand = {
  name: 'opencode',
  checked: OPENCODE_CHECKED,
  tellsCost: true,
  async start(command, directory, script) {
    const server = await startMessagesServer();
    server.answer = (text, place) =>
      toMessages(script({ text, place }), (step) => nameOpencodeTool(step, findWorktree(text)));
    const settings = { provider: { anthropic: { options: { baseURL: `${server.url}/v1` } } } };
    const adapter = createAgent(
      'opencode',
      {
        hostEnvironment: {
          ...ownEnvironment(directory),
          ANTHROPIC_API_KEY: KEY,
          OPENCODE_CONFIG_CONTENT: JSON.stringify(settings),
          OPENCODE_DISABLE_MODELS_FETCH: '1',
        },
        baseDirectory: directory,
      },
      { opencode: { command, model: 'anthropic/claude-sonnet-4-5' } },
    );
    return { adapter, ...callsOf(server) };
  },
};

const SCRIPTED_CODEX: ScriptedCommand = {
  name: 'codex',
  checked: CODEX_CHECKED,
  tellsCost: false,
  async start(command, directory, script) {
    const server = await startResponsesServer();
    server.answer = (text, place) => toResponse(script({ text, place }));
    const provider = `{name="t",base_url="${server.url}/v1",wire_api="responses",env_key="CODEX_API_KEY",request_max_retries=0,stream_max_retries=0}`;
    const adapter = createAgent(
      'codex',
      { hostEnvironment: { ...ownEnvironment(directory), CODEX_API_KEY: KEY }, baseDirectory: directory },
      {
        codex: {
          command,
          // Not every machine that runs tests can make its sandbox.
          sandbox: 'danger-full-access',
          model: 'gpt-5',
          extraArguments: ['--config', `model_providers.t=${provider}`, '--config', 'model_provider="t"'],
        },
      },
    );
    return { adapter, calls: () => server.calls, close: () => server.close() };
  },
};

export const SCRIPTED_COMMANDS: readonly ScriptedCommand[] = [
  SCRIPTED_CLAUDE,
  SCRIPTED_OPENCODE,
  SCRIPTED_CODEX,
];

/** Claude Code, led to a server of ours. */
export function createClaude(command: string, directory: string, server: MessagesServer): AgentAdapter {
  return createAgent(
    'claude',
    {
      hostEnvironment: {
        ...ownEnvironment(directory),
        ANTHROPIC_API_KEY: KEY,
        ANTHROPIC_BASE_URL: server.url,
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
        // By itself it asks ten times, for minutes.
        CLAUDE_CODE_MAX_RETRIES: '1',
      },
      baseDirectory: directory,
    },
    { claude: { command } },
  );
}

/** An own home, so that no settings of this machine's user play a part. */
function ownEnvironment(directory: string): Record<string, string | undefined> {
  const home = join(directory, 'home');
  mkdirSync(home, { recursive: true });
  return { PATH: process.env.PATH, HOME: home, LANG: 'C.UTF-8' };
}

/** As the prompt names it. */
function findWorktree(text: string): string {
  const found = /Directory: ([^\\"]+)/.exec(text)?.[1];
  if (found === undefined) throw new Error('The prompt names no worktree.');
  return found;
}

function toMessages(
  round: Round,
  nameTool: (step: Step) => NonNullable<ScriptedRound['tools']>[number],
): ScriptedRound {
  const usage = USAGE_PER_CALL;
  return typeof round === 'string' ? { text: round, usage } : { tools: round.map(nameTool), usage };
}

function nameClaudeTool(step: Step, worktree: string): NonNullable<ScriptedRound['tools']>[number] {
  if ('read' in step) return { name: 'Read', input: { file_path: join(worktree, step.read) } };
  if ('write' in step)
    return { name: 'Write', input: { file_path: join(worktree, step.write), content: step.content } };
  if ('edit' in step)
    return {
      name: 'Edit',
      input: { file_path: join(worktree, step.edit), old_string: step.from, new_string: step.to },
    };
  return { name: 'Bash', input: { command: step.run, description: 'Run it' } };
}

function nameOpencodeTool(step: Step, worktree: string): NonNullable<ScriptedRound['tools']>[number] {
  if ('read' in step) return { name: 'read', input: { filePath: join(worktree, step.read) } };
  if ('write' in step)
    return { name: 'write', input: { filePath: join(worktree, step.write), content: step.content } };
  if ('edit' in step)
    return {
      name: 'edit',
      input: { filePath: join(worktree, step.edit), oldString: step.from, newString: step.to },
    };
  return { name: 'bash', input: { command: step.run, description: 'Run it' } };
}

/** It does everything by commands, from the directory it was started in. */
function toResponse(round: Round): ScriptedResponse {
  const usage = { ...USAGE_PER_CALL, cached: 0 };
  if (typeof round === 'string') return { text: round, usage };
  const cmd = round.map(writeCommand).join(' && ');
  return { calls: [{ name: 'exec_command', arguments: { cmd } }], usage };
}

function writeCommand(step: Step): string {
  if ('read' in step) return `cat ${step.read}`;
  if ('write' in step)
    return `mkdir -p "$(dirname ${step.write})" && printf '%s' ${quote(step.content)} > ${step.write}`;
  if ('edit' in step)
    return `sed -i.bak ${quote(`s/${step.from}/${step.to}/`)} ${step.edit} && rm ${step.edit}.bak`;
  return step.run;
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function callsOf(server: MessagesServer): Omit<ScriptedAgent, 'adapter'> {
  return { calls: () => server.calls.map(({ text }) => text), close: () => server.close() };
}
