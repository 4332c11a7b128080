import type { AgentSignal } from './agentAdapter.js';
import { PROTOCOL_PREFIX, parseProtocolLine } from './parseProtocolLine.js';

export interface AgentWords {
  /** What it told by the line protocol, and, last, what else it said, as a message. */
  readonly signals: readonly AgentSignal[];
  /** What it said, without the lines of the protocol; trimmed. */
  readonly text: string;
  readonly warning?: string;
}

/** Longer messages are for the log; who watches sees the beginning. */
const MESSAGE_LENGTH_MAX = 500;
const LINES_MAX = 2_000;

/**
 * Reads what a model said: a text of many lines, some of which may be of the line protocol (see
 * `parseProtocolLine`), as its prompt taught it. Markdown around such a line is seen through.
 */
export function readWords(said: string): AgentWords {
  const signals: AgentSignal[] = [];
  const words: string[] = [];
  let warning: string | undefined;
  const lines = said.split('\n');
  for (const [index, line] of lines.entries()) {
    const start = index < LINES_MAX ? line.indexOf(PROTOCOL_PREFIX) : -1;
    const parsed = start === -1 || start > 8 ? null : parseProtocolLine(stripMarkdown(line.slice(start)));
    if (parsed === null) {
      words.push(line);
      continue;
    }
    signals.push(...parsed.signals);
    warning ??= parsed.warning;
  }
  const text = words.join('\n').trim();
  if (text !== '') signals.push({ kind: 'message', message: shortenMessage(text) });
  return { signals, text, ...(warning === undefined ? {} : { warning }) };
}

/** The first line that says something, for those who watch. */
export function shortenMessage(text: string): string {
  const line =
    text
      .slice(0, MESSAGE_LENGTH_MAX * 4)
      .trim()
      .split('\n', 1)[0] ?? '';
  if (line.length <= MESSAGE_LENGTH_MAX) return line;
  const kept = line.slice(0, MESSAGE_LENGTH_MAX - 1);
  return `${kept.isWellFormed() ? kept : kept.slice(0, -1)}…`;
}

function stripMarkdown(line: string): string {
  return line.replace(/[`*\s]{1,8}$/, '');
}
