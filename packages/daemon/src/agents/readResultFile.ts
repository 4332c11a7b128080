import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { JsonValue } from './agentAdapter.js';
import { parseJson } from './parseJson.js';

export const RESULT_FILE_BYTES_MAX = 1024 * 1024;

export type ResultFile =
  | { readonly kind: 'absent' }
  | { readonly kind: 'read'; readonly value: JsonValue }
  | { readonly kind: 'refused'; readonly warning: string };

/** Reads what an agent left. Only a regular file: a link could lead anywhere, a pipe would never end. */
export async function readResultFile(path: string): Promise<ResultFile> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const status = await file.stat();
      if (!status.isFile()) return refuse('is not a regular file');
      if (status.size === 0) return { kind: 'absent' };
      if (status.size > RESULT_FILE_BYTES_MAX) return refuse(`is larger than ${RESULT_FILE_BYTES_MAX} bytes`);
      const parsed = parseJson(await file.readFile('utf8'));
      return parsed.ok ? { kind: 'read', value: parsed.value } : refuse(`is not usable: ${parsed.problem}`);
    } finally {
      await file.close();
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { kind: 'absent' };
    return refuse(code === 'ELOOP' ? 'is a symbolic link' : `could not be read: ${message}`);
  }
}

function refuse(why: string): ResultFile {
  return { kind: 'refused', warning: `The result file ${why}; it was ignored.` };
}
