import type { LineReader, ParsedLine } from './agentAdapter.js';
import { isObject } from './jsonFields.js';
import { type JsonObject, parseJson } from './parseJson.js';
import { parseProtocolLine } from './parseProtocolLine.js';

/**
 * Reads the output of an agent that prints one JSON object a line. Lines of the line protocol, as a
 * program around it may print them, are understood as well; anything else is log.
 * @param read what an object says; null: it is none of the agent's.
 */
export function readJsonLines(read: (event: JsonObject) => ParsedLine | null): LineReader {
  return ({ stream, text, cut }) => {
    if (stream !== 'stdout') return null;
    const line = text.trim();
    if (!line.startsWith('{')) return parseProtocolLine(line);
    // Without its middle it is JSON no more, and only the log is served by it.
    if (cut) return null;
    const parsed = parseJson(line);
    return parsed.ok && isObject(parsed.value) ? read(parsed.value) : null;
  };
}
