import { join } from 'node:path';
import { z } from 'zod';
import { keepLastBytes } from '../process/boundedText.js';
import type { AgentAdapter, AgentSignal, AgentUsage, LineReader } from './agentAdapter.js';
import type { AgentDependencies } from './agentDependencies.js';
import type { AgentKind } from './agentKind.js';
import {
  type CommandAgentConfiguration,
  type CommandAgentDescription,
  createCommandAgent,
} from './commandAgent.js';
import { parseProtocolLine } from './parseProtocolLine.js';
import { describeProviderFault } from './providerFault.js';
import { commandAgentSettings } from './settings.js';
import { addUsage, pickUsage } from './usageSum.js';

export type AiderAgentConfiguration = CommandAgentConfiguration;

/** By its documentation (aider.chat/docs/config/options.html, as of commit 009c4dc of its repository): never run by us. */
export const AIDER_CHECKED = {
  version: 'documentation of commit 009c4dc',
  npmPackage: null,
  program: 'aider',
  helps: [
    {
      args: ['--help'],
      flags: [
        '--message-file',
        '--yes-always',
        '--no-auto-commits',
        '--no-dirty-commits',
        '--no-gitignore',
        '--no-pretty',
        '--no-stream',
        '--no-fancy-input',
        '--no-check-update',
        '--no-show-release-notes',
        '--no-show-model-warnings',
        '--no-detect-urls',
        '--no-suggest-shell-commands',
        '--input-history-file',
        '--chat-history-file',
        '--model',
      ],
    },
  ],
} as const;

/** aider, for one message from a file. It has no output for programs: what it prints is read as words. */
export function createAiderAgent(
  dependencies: AgentDependencies,
  configuration: AiderAgentConfiguration,
): AgentAdapter {
  return createCommandAgent(dependencies, configuration, {
    ...AIDER,
    arguments: ({ model, promptFile, attemptDirectory }) => [
      '--message-file',
      promptFile,
      '--yes-always',
      // The daemon commits, with the task in the trailer.
      '--no-auto-commits',
      '--no-dirty-commits',
      // Its own files have no place in a task's commit.
      '--no-gitignore',
      '--input-history-file',
      join(attemptDirectory, 'aider.input.history'),
      '--chat-history-file',
      join(attemptDirectory, 'aider.chat.history.md'),
      '--no-pretty',
      '--no-stream',
      '--no-fancy-input',
      '--no-check-update',
      '--no-show-release-notes',
      // Each of these would be answered yes: pages opened in a browser, commands run that the task names.
      '--no-show-model-warnings',
      '--no-detect-urls',
      '--no-suggest-shell-commands',
      ...(model === undefined ? [] : ['--model', model]),
    ],
  });
}

const WORDS = {
  title: 'aider',
  login: 'Set the key of its provider (ANTHROPIC_API_KEY, OPENAI_API_KEY…) for the daemon.',
} as const;

const AIDER: Omit<CommandAgentDescription, 'arguments'> = {
  ...WORDS,
  name: 'aider',
  program: 'aider',
  install:
    'Install it with "python -m pip install aider-install && aider-install", or name its path as its command in agents.config.json.',
  checked: AIDER_CHECKED,
  credentials: {
    variables: [
      'ANTHROPIC_API_KEY',
      'OPENAI_API_KEY',
      'GEMINI_API_KEY',
      'OPENROUTER_API_KEY',
      'DEEPSEEK_API_KEY',
      'GROQ_API_KEY',
      'XAI_API_KEY',
      'MISTRAL_API_KEY',
    ],
    files: ['.aider.conf.yml'],
  },
  variables: [
    'AIDER_MODEL',
    'AIDER_WEAK_MODEL',
    'AIDER_EDITOR_MODEL',
    'ANTHROPIC_API_BASE',
    'OPENAI_API_BASE',
    'OLLAMA_API_BASE',
    'AZURE_API_BASE',
    'AZURE_API_VERSION',
  ],
  promptBy: 'file',
  // Its map of the repository. Without `--no-gitignore` it would change the task's .gitignore instead.
  scratch: ['.aider.tags.cache.v*', '.aider.chat.history.md', '.aider.input.history', '.aider.llm.history'],
  // What it says is its result each time, and a command of its may run silently after it.
  lingerAfterResultMs: null,
  createLineReader: createAiderReader,
};

/** `Tokens: 2.1k sent, 1.2k cache write, 300 cache hit, 280 received. Cost: $0.01 message, $0.02 session.` */
const TOKENS = /^Tokens: (.{1,200}? received)\./;
const TOKEN_COUNT = /(\d{1,9}(?:\.\d{1,3})?)([kM]?) (sent|cache write|cache hit|received)/g;
const COST = /\bCost: \$(\d{1,9}(?:\.\d{1,9})?) message\b/;
const EDITED = /^Applied edit to (.{1,300})$/;
/** How it names what its provider threw. */
const REFUSAL =
  /^(?:litellm\.|openai\.|anthropic\.)?[A-Za-z.]{0,60}(?:Error|Exception)\b|^The API provider\b|^Retrying in\b/;

const REPLY_BYTES = 16 * 1024;

/** Reads what it prints, line by line. A line with tokens ends each reply, and with it what was refused before. */
export function createAiderReader(): LineReader {
  let sum: AgentUsage = {};
  let reply: string[] = [];
  let replyLength = 0;
  /** It named its result by the line protocol; what it goes on to say doesn't take its place. */
  let named = false;

  function remember(line: string): null {
    reply.push(line);
    replyLength += line.length + 1;
    while (replyLength > REPLY_BYTES && reply.length > 1) replyLength -= (reply.shift() ?? '').length + 1;
    return null;
  }

  return ({ stream, text }) => {
    const line = text.trim();
    const protocol = stream === 'stdout' ? parseProtocolLine(line) : null;
    if (protocol !== null) {
      named ||= protocol.signals.some(({ kind }) => kind === 'result');
      return protocol;
    }
    const edited = EDITED.exec(line)?.[1];
    if (edited !== undefined)
      return { signals: [{ kind: 'message', message: `Edited ${edited}` }], log: line };
    if (line.startsWith('Tokens: ')) {
      const usage = readUsage(line);
      if (usage === null) return null;
      sum = addUsage(sum, { ...usage, turns: 1 });
      const output = keepLastBytes(reply.join('\n').trim(), REPLY_BYTES);
      reply = [];
      replyLength = 0;
      const signals: AgentSignal[] = [{ kind: 'usage', usage: sum }];
      return { signals: named ? signals : [...signals, { kind: 'result', output }], log: line };
    }
    if (!REFUSAL.test(line)) return stream === 'stdout' ? remember(line) : null;
    const fault = describeProviderFault(WORDS, { message: line });
    const signals: AgentSignal[] = fault === null ? [] : [{ kind: 'fault', fault }];
    return { signals, log: line };
  };
}

function readUsage(line: string): AgentUsage | null {
  const tokens = TOKENS.exec(line)?.[1];
  if (tokens === undefined) return null;
  const counts: Record<string, number> = {};
  for (const [, amount, unit, name] of tokens.matchAll(TOKEN_COUNT)) {
    const factor = unit === 'k' ? 1_000 : unit === 'M' ? 1_000_000 : 1;
    counts[name ?? ''] = Math.round(Number(amount) * factor);
  }
  const cost = COST.exec(line)?.[1];
  return pickUsage({
    inputTokens: counts.sent,
    cacheWriteTokens: counts['cache write'],
    cacheReadTokens: counts['cache hit'],
    outputTokens: counts.received,
    costUsd: cost === undefined ? undefined : Number(cost),
  });
}

export const aiderAgent: AgentKind<AiderAgentConfiguration> = {
  settings: z.strictObject(commandAgentSettings),
  create: createAiderAgent,
};
