import { textOf } from './jsonFields.js';
import type { JsonObject } from './parseJson.js';

const TARGET_KEYS = [
  'file_path',
  'filePath',
  'path',
  'absolute_path',
  'notebook_path',
  'command',
  'pattern',
  'query',
  'url',
  'description',
];
const TARGET_LENGTH_MAX = 160;

/** For those who watch: the tool, and what it is used on, in one line. */
export function describeToolCall(tool: string, input: JsonObject): string {
  const name = tool === '' ? 'tool' : tool.slice(0, 60);
  for (const key of TARGET_KEYS) {
    const target = textOf(input, key).trim();
    if (target !== '') return `${name}: ${shorten(target)}`;
  }
  return name;
}

function shorten(text: string): string {
  const line = text.split('\n', 1)[0] ?? '';
  return line.length > TARGET_LENGTH_MAX || line.length < text.length
    ? `${line.slice(0, TARGET_LENGTH_MAX)}…`
    : line;
}
