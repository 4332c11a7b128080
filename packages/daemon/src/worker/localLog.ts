import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface LocalLog {
  /** Takes a line without its line break. Never blocks and never throws. */
  append(line: string): void;
  /** Writes what is left and puts head and tail together. Never rejects. */
  finish(): Promise<void>;
}

export interface LocalLogOptions {
  /** Kept of everything, head and tail. */
  readonly limitBytes: number;
  /** Told once, of what ended the writing: a full disk, for one. */
  readonly onProblem?: (error: Error) => void;
}

const FLUSH_BYTES = 64 * 1024;
const FLUSH_MS = 1_000;
/** What a disk that can't keep up may leave waiting. */
const WAITING_BYTES_MAX = 1024 * 1024;
const FLAGS = constants.O_CREAT | constants.O_WRONLY | constants.O_TRUNC | constants.O_NOFOLLOW;

/**
 * The output of one attempt in a file that only this user can read. Of more than the limit the first half is in the file
 * itself and the end in two that follow it, `.tail-before` and `.tail`, so that nothing is lost with the process; at the end
 * all of it is in one, with a mark between.
 */
export function createLocalLog(path: string, options: LocalLogOptions): LocalLog {
  const headLimit = Math.floor(options.limitBytes / 2);
  const segmentLimit = Math.max(1, Math.floor((options.limitBytes - headLimit) / 2));
  const [tail, tailBefore] = [`${path}.tail`, `${path}.tail-before`];
  // What waits is written at once, and must fit into a part.
  const waitingMax = Math.min(WAITING_BYTES_MAX, segmentLimit);
  let waiting: string[] = [];
  let waitingBytes = 0;
  let droppedWaiting = 0;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | null = null;
  let failed = false;
  let closed = false;

  let file: FileHandle | null = null;
  let part: 'head' | 'tail' = 'head';
  let partBytes = 0;
  let beforeBytes = 0;
  let droppedBytes = 0;

  async function write(text: string, bytes: number): Promise<void> {
    if (file === null) {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      file = await open(path, FLAGS, 0o600);
    }
    const limit = part === 'head' ? headLimit : segmentLimit;
    if (partBytes > 0 && partBytes + bytes > limit) {
      await file.close();
      if (part === 'tail') {
        await rename(tail, tailBefore);
        droppedBytes += beforeBytes;
        beforeBytes = partBytes;
      }
      file = await open(tail, FLAGS, 0o600);
      part = 'tail';
      partBytes = 0;
    }
    await file.writeFile(text);
    partBytes += bytes;
  }

  async function flush(): Promise<void> {
    while (waiting.length > 0 && !failed) {
      const mark = droppedWaiting === 0 ? '' : `[… ${droppedWaiting} bytes dropped …]\n`;
      const text = `${mark}${waiting.join('\n')}\n`;
      waiting = [];
      waitingBytes = 0;
      droppedWaiting = 0;
      await write(text, Buffer.byteLength(text));
    }
  }

  function start(): void {
    clearTimeout(timer);
    timer = undefined;
    writing ??= flush()
      .catch((error: unknown) => fail(error))
      .finally(() => {
        writing = null;
      });
  }

  function fail(error: unknown): void {
    failed = true;
    waiting = [];
    options.onProblem?.(error instanceof Error ? error : new Error(String(error)));
  }

  /** Head, mark and both parts of the tail become one file. */
  async function assemble(): Promise<void> {
    await file?.close();
    file = null;
    if (part === 'head') return;
    const whole = await open(path, constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW);
    try {
      if (droppedBytes > 0) await whole.writeFile(`[… ${droppedBytes} bytes dropped …]\n`);
      if (beforeBytes > 0) await whole.writeFile(await readFile(tailBefore));
      await whole.writeFile(await readFile(tail));
    } finally {
      await whole.close();
    }
    await rm(tailBefore, { force: true });
    await rm(tail, { force: true });
  }

  return {
    append(line) {
      if (closed || failed) return;
      if (waitingBytes > waitingMax) {
        droppedWaiting += waitingBytes;
        waiting = [];
        waitingBytes = 0;
      }
      waiting.push(line);
      waitingBytes += Buffer.byteLength(line) + 1;
      if (writing !== null) return;
      if (waitingBytes >= FLUSH_BYTES) start();
      else timer ??= setTimeout(start, FLUSH_MS);
    },
    async finish() {
      if (closed) return;
      closed = true;
      clearTimeout(timer);
      try {
        await writing;
        if (!failed) await flush();
        await assemble();
      } catch (error) {
        if (!failed) fail(error);
      }
    },
  };
}
