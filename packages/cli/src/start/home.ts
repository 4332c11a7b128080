import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandError } from '../output/commandError.js';
import { type StartRecord, startRecordFile } from './startRecord.js';

const LOG_BYTES_MAX = 10 * 1024 * 1024;

/** Makes the directory of everything, for this user alone; says so when it can't be used. */
export async function prepareHome(home: string): Promise<void> {
  const probe = join(home, `.probe-${randomUUID()}`);
  try {
    await mkdir(join(home, 'logs'), { recursive: true, mode: 0o700 });
    await writeFile(probe, '');
    await rm(probe);
  } catch (cause) {
    throw new CommandError(
      'failed',
      'HOME_UNUSABLE',
      `Neolith keeps its data in ${home}, which can't be written: ${(cause as Error).message}. Make it writable, or set NEOLITH_HOME to another directory.`,
      { cause },
    );
  }
}

/** In one step: a reader finds the old record or the new one, never half of one. */
export async function writeStartRecord(home: string, record: StartRecord): Promise<void> {
  const draft = `${startRecordFile(home)}.${randomUUID()}`;
  await writeFile(draft, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  await rename(draft, startRecordFile(home));
}

/** Opens a log for appending; one that has grown large is put aside first, the one before it is dropped. */
export async function openLog(home: string, name: string) {
  const file = join(home, 'logs', `${name}.log`);
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  );
  if (size > LOG_BYTES_MAX) await rename(file, `${file}.1`);
  return { file, handle: await open(file, 'a', 0o600) };
}

export interface LineLog {
  /** Null: it could not be opened. */
  readonly file: string | null;
  write(line: string): void;
  /** When all is written; what comes afterwards is dropped. */
  close(): Promise<void>;
}

/** A log that must not end the command it belongs to: where it can't be written that is told once, and work goes on. */
export async function openLineLog(
  home: string,
  name: string,
  onProblem: (error: Error) => void,
): Promise<LineLog> {
  let opened: Awaited<ReturnType<typeof openLog>>;
  try {
    opened = await openLog(home, name);
  } catch (error) {
    onProblem(error as Error);
    return { file: null, write: () => undefined, close: () => Promise.resolve() };
  }
  const { file, handle } = opened;
  const stream = handle.createWriteStream();
  let broken = false;
  stream.on('error', (error) => {
    if (!broken) onProblem(error);
    broken = true;
  });
  return {
    file,
    write(line) {
      if (!broken && !stream.writableEnded) stream.write(line);
    },
    close: () => new Promise((resolve) => (broken ? resolve() : stream.end(resolve))),
  };
}
