import { type AttemptUsage, usageOfMetrics } from '@neolith/contracts';
import type { AgentSignal, AgentUsage, JsonValue, LineReader, ParsedLine } from './agentAdapter.js';
import { type JsonObject, parseJson } from './parseJson.js';

export const PROTOCOL_PREFIX = '::neolith ';
/** Longer messages are cut: the server takes 2 KB. */
const MESSAGE_LENGTH_MAX = 2_000;
const PLAIN_PROGRESS = /^progress:[ \t]{0,8}(\d{1,3}(?:\.\d{1,6})?)[ \t]{0,8}%(?:[ \t]{1,8}(.*))?$/i;
const KNOWN_KEYS = new Set([
  ...['progress', 'message', 'artifact', 'output', 'blocked', 'question'],
  ...['metadata', 'usage'],
]);

/**
 * The line protocol by which a program tells the daemon about its task. A line counts when it begins with
 * `::neolith ` followed by one JSON object; its keys may be combined:
 *
 * - `{"progress": 40, "message": "halfway"}` percent from 0 to 100, the message may be left out
 * - `{"message": "reading the schema"}` a word to those who watch
 * - `{"artifact": {"type": "file", "content": "…"}}` something made on the way; the content is any JSON
 * - `{"output": {"files": 3}}` the result, any JSON; the last one counts
 * - `{"blocked": "no access to the repository", "question": "Which token?"}` can't go on; the question may be left out
 * - `{"metadata": {"model": "…"}}` an object of facts about the attempt
 * - `{"usage": {"inputTokens": 1200, "outputTokens": 90, "costUsd": 0.01}}` what it has used up so far; the last value of
 *   each field counts (see `AttemptUsage`)
 *
 * Besides, plain lines such as `progress: 40% halfway` are understood. Everything else is log: `null`.
 * A line with the prefix that can't be understood, wholly or in part, yields a warning and what could be.
 */
export function parseProtocolLine(text: string): ParsedLine | null {
  if (text.startsWith(PROTOCOL_PREFIX)) return parseMarked(text.slice(PROTOCOL_PREFIX.length));
  const match = PLAIN_PROGRESS.exec(text);
  if (match === null) return null;
  const percent = Number(match[1]);
  if (percent > 100) return null;
  const message = match[2]?.trim();
  return { signals: [{ kind: 'progress', percent, ...(message ? { message: shorten(message) } : {}) }] };
}

/** For programs that speak nothing else: what they write to stderr is log. */
export const readProtocolLine: LineReader = ({ stream, text }) =>
  stream === 'stdout' ? parseProtocolLine(text) : null;

function parseMarked(json: string): ParsedLine {
  const parsed = parseJson(json);
  if (!parsed.ok) return warn([], `it is not JSON that we can use (${parsed.problem})`);
  if (!isObject(parsed.value)) return warn([], 'it must be a JSON object');
  return readObject(parsed.value);
}

function readObject(object: JsonObject): ParsedLine {
  const signals: AgentSignal[] = [];
  const problems: string[] = [];
  const { progress, message, artifact, output, blocked, question, metadata, usage } = object;

  if (message !== undefined && typeof message !== 'string') problems.push('"message" must be text');
  const words = typeof message === 'string' ? { message: shorten(message) } : {};
  if (progress === undefined) {
    if (words.message !== undefined) signals.push({ kind: 'message', message: words.message });
  } else if (typeof progress === 'number' && progress >= 0 && progress <= 100) {
    signals.push({ kind: 'progress', percent: progress, ...words });
  } else {
    problems.push('"progress" must be a number from 0 to 100');
    if (words.message !== undefined) signals.push({ kind: 'message', message: words.message });
  }

  if (artifact !== undefined) {
    if (isObject(artifact) && typeof artifact.type === 'string' && artifact.content !== undefined) {
      signals.push({ kind: 'artifact', artifact: { type: artifact.type, content: artifact.content } });
    } else {
      problems.push('"artifact" must be an object with "type" (text) and "content"');
    }
  }
  if (metadata !== undefined) {
    if (isObject(metadata)) signals.push({ kind: 'metadata', metadata });
    else problems.push('"metadata" must be an object');
  }
  if (usage !== undefined) {
    const read = usageOfMetrics({ usage });
    if (read !== null) signals.push({ kind: 'usage', usage: withoutUnknown(read) });
    else problems.push('"usage" must be an object of tokens and cost, none of them negative');
  }
  if (output !== undefined) signals.push({ kind: 'result', output });

  if (typeof blocked === 'string' && blocked.trim() !== '') {
    const ask = typeof question === 'string' ? { question: shorten(question) } : {};
    signals.push({ kind: 'blocked', reason: shorten(blocked), ...ask });
  } else if (blocked !== undefined) {
    problems.push('"blocked" must be the reason, as text');
  }
  if (question !== undefined && (typeof question !== 'string' || blocked === undefined)) {
    problems.push('"question" must be text and come with "blocked"');
  }

  const unknown = Object.keys(object).filter((key) => !KNOWN_KEYS.has(key));
  if (unknown.length > 0)
    problems.push(
      `unknown key ${unknown
        .slice(0, 5)
        .map((key) => `"${key}"`)
        .join(', ')}`,
    );
  else if (signals.length === 0 && problems.length === 0) problems.push('it says nothing');
  return problems.length === 0 ? { signals } : warn(signals, problems.join('; '));
}

function warn(signals: AgentSignal[], why: string): ParsedLine {
  return { signals, warning: `A "${PROTOCOL_PREFIX.trim()}" line was not fully understood: ${why}.` };
}

function isObject(value: JsonValue): value is { [key: string]: JsonValue } {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function shorten(text: string): string {
  return text.length <= MESSAGE_LENGTH_MAX ? text : `${text.slice(0, MESSAGE_LENGTH_MAX - 1)}…`;
}

function withoutUnknown(usage: AttemptUsage): AgentUsage {
  return Object.fromEntries(Object.entries(usage).filter(([, value]) => value !== undefined));
}
