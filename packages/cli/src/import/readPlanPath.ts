import type { Stats } from 'node:fs';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PlanFile, PlanFiles } from '@neolith/daemon';
import { CommandError } from '../output/commandError.js';

/** What a plan may have at most; one byte more, and reading it says so. */
const BYTES_MAX = 50 * 1024 * 1024;
const FILES_MAX = 20_000;
const READ_AT_ONCE = 32;
/** Never part of a plan, and full of Markdown. */
const FOREIGN = new Set(['node_modules', '.git']);

/**
 * Reads the bytes of a plan: of a file, or of every Markdown and YAML file in a folder and below it. Links in a folder
 * are not followed.
 * @throws CommandError `notFound`, or `failed` where it can't be read
 */
export async function readPlanPath(path: string): Promise<PlanFile | PlanFiles> {
  const found = await attempt(path, () => stat(path));
  return found.isDirectory() ? readFolder(path) : readFile_(path, found);
}

async function readFile_(path: string, found: Stats): Promise<PlanFile> {
  return { fileName: path, content: await attempt(path, () => readAtMost(path, found)) };
}

/** Of a file that is too large no more is read than it takes to say so. */
async function readAtMost(path: string, found: Stats): Promise<Uint8Array> {
  if (!found.isFile() || found.size <= BYTES_MAX) return readFile(path);
  const handle = await open(path);
  try {
    const bytes = Buffer.alloc(BYTES_MAX + 1);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function readFolder(folder: string): Promise<PlanFiles> {
  const names: string[] = [];
  const waiting = [''];
  for (let below = waiting.pop(); below !== undefined; below = waiting.pop()) {
    const directory = below;
    const entries = await attempt(join(folder, directory), () =>
      readdir(join(folder, directory), { withFileTypes: true }),
    );
    for (const entry of entries) {
      const name = directory === '' ? entry.name : `${directory}/${entry.name}`;
      if (entry.isDirectory() && !FOREIGN.has(entry.name)) waiting.push(name);
      else if (entry.isFile() && /\.(md|markdown|ya?ml)$/i.test(entry.name)) names.push(name);
    }
    if (names.length > FILES_MAX) {
      throw new CommandError(
        'failed',
        'FOLDER_TOO_LARGE',
        `${folder} holds more than ${FILES_MAX} Markdown and YAML files. Name the folder of the plan itself.`,
      );
    }
  }
  names.sort();
  const files: PlanFile[] = [];
  let bytes = 0;
  // What comes after the limit is left out: together they are too large already, and reading them says so.
  for (let start = 0; start < names.length && bytes <= BYTES_MAX; start += READ_AT_ONCE) {
    const some = await Promise.all(
      names.slice(start, start + READ_AT_ONCE).map(async (fileName) => {
        const path = join(folder, fileName);
        const content = await attempt(path, async () => readAtMost(path, await stat(path)));
        return { fileName, content };
      }),
    );
    for (const file of some) bytes += file.content.length;
    files.push(...some);
  }
  return { folderName: folder, files };
}

async function attempt<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw code === 'ENOENT'
      ? new CommandError('notFound', 'FILE_NOT_FOUND', `There is no file ${path}.`, { cause })
      : new CommandError('failed', 'FILE_UNREADABLE', `${path} can't be read: ${message}.`, { cause });
  }
}
