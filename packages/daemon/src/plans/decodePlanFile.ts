import { isUtf8 } from 'node:buffer';
import type { PlanFault } from './planProblem.js';
import type { PlanText } from './planReader.js';

export const planFileBytesMax = 50 * 1024 * 1024;

export type DecodedPlanFile = { readonly source: PlanText } | { readonly fault: PlanFault };

/** Turns a file's bytes into text, or says why it can't be a plan. A text is checked as its UTF-8 bytes would be. */
export function decodePlanFile(file: string, content: Uint8Array | string): DecodedPlanFile {
  const bytes = typeof content === 'string' ? Buffer.byteLength(content) : content.byteLength;
  if (bytes > planFileBytesMax) {
    const size = (bytes / 1024 / 1024).toFixed(1);
    return refuse(file, 1, 'FILE_TOO_LARGE', `${file} has ${size} MB; a plan may have 50 MB. Split it.`);
  }
  if (typeof content !== 'string') {
    const fault = findByteFault(file, content);
    if (fault !== null) return { fault };
  }
  const text = stripByteOrderMark(typeof content === 'string' ? content : new TextDecoder().decode(content));
  const nul = text.indexOf('\0');
  if (nul !== -1) {
    const line = countLines(text.slice(0, nul));
    return refuse(file, line, 'FILE_BINARY', `${file} is a binary file, not a plan; give a text file.`);
  }
  if (text.trim() === '') {
    return refuse(file, 1, 'FILE_EMPTY', `${file} is empty; write at least one task into it.`);
  }
  return { source: { file, text } };
}

function findByteFault(file: string, bytes: Uint8Array): PlanFault | null {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    return fault(file, 1, 'FILE_ENCODING', `${file} is written in UTF-16; save it as UTF-8.`);
  }
  if (isUtf8(bytes)) return null;
  // NUL is valid UTF-8 and never part of a text; together with broken UTF-8 it means a binary file.
  if (bytes.includes(0)) {
    return fault(file, 1, 'FILE_BINARY', `${file} is a binary file, not a plan; give a text file.`);
  }
  const line = findBrokenLine(bytes);
  return fault(file, line, 'FILE_ENCODING', `${file} is not valid UTF-8 in line ${line}; save it as UTF-8.`);
}

/** No character of several bytes holds the byte of a line end, so lines can be checked one by one. */
function findBrokenLine(bytes: Uint8Array): number {
  let line = 1;
  let start = 0;
  while (start < bytes.length) {
    const end = bytes.indexOf(0x0a, start);
    if (!isUtf8(bytes.subarray(start, end === -1 ? bytes.length : end))) return line;
    if (end === -1) return line;
    start = end + 1;
    line += 1;
  }
  return line;
}

function stripByteOrderMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

function countLines(text: string): number {
  return text.split('\n').length;
}

function fault(file: string, line: number, code: PlanFault['code'], message: string): PlanFault {
  return { code, at: { file, line }, message };
}

function refuse(file: string, line: number, code: PlanFault['code'], message: string): DecodedPlanFile {
  return { fault: fault(file, line, code, message) };
}
