import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What `neolith start` leaves for other commands, and for the start after it. */
export interface StartRecord {
  /** The life of the process that supervises (see `describeDaemonLife`); empty once it has ended. */
  readonly life: string;
  readonly pid: number;
  readonly port: number;
  readonly url: string;
}

export function startRecordFile(home: string): string {
  return join(home, 'start.json');
}

/** Null where there is none, or none that can be used. */
export function readStartRecord(home: string): StartRecord | null {
  try {
    const value = JSON.parse(readFileSync(startRecordFile(home), 'utf8')) as Partial<StartRecord>;
    const { life, pid, port, url } = value;
    if (
      typeof life !== 'string' ||
      typeof pid !== 'number' ||
      typeof port !== 'number' ||
      typeof url !== 'string'
    ) {
      return null;
    }
    return { life, pid, port, url };
  } catch {
    // Not there, or cut off by a crash: the start makes it anew.
    return null;
  }
}
