import { LOG_CHUNK_BYTES_MAX, LOG_CHUNK_ENTRIES_MAX, type LogEntry } from '@neolith/contracts';
import { keepFirstBytes, keepLastBytes } from '../process/boundedText.js';
import type { OutputLine } from '../process/processSpec.js';

/** A piece of output that is sent in one call. */
export interface LogBatch {
  readonly entries: LogEntry[];
  /** Of the text with its line breaks, in UTF-8. */
  readonly bytes: number;
  /** Dropped before it. */
  readonly droppedBytes: number;
}

export interface LogBatches {
  add(line: Pick<OutputLine, 'stream' | 'text'>): void;
  /** Removes the oldest; null where nothing waits. */
  take(): LogBatch | null;
  /** Whether one waits that takes no further line. */
  hasFull(): boolean;
  /** How many wait, the one that is being filled included. */
  count(): number;
  /** Counts a batch that was taken and could not be sent: it, and what was missing before it, is missing before the next. */
  noteDropped(batch: LogBatch): void;
  /** Forgets what waits. */
  clear(): void;
  /** Dropped so far. */
  droppedBytes(): number;
}

export interface LogBatchesOptions {
  /** A batch takes no further line beyond this; a longer line is one of its own. */
  readonly batchBytes: number;
  /** What may wait: the first half of everything and the last half; what lies between is dropped, oldest first. */
  readonly keepBytes: number;
}

/** A longer line loses its middle: a chunk must hold it. */
const LINE_BYTES_MAX = LOG_CHUNK_BYTES_MAX / 2;
const ENTRIES_MAX = LOG_CHUNK_ENTRIES_MAX / 2;

interface Run {
  readonly stream: OutputLine['stream'];
  lines: string[];
}

interface Waiting {
  runs: Run[];
  bytes: number;
  droppedBytes: number;
  /** Of the tail, which may be dropped. */
  readonly isTail: boolean;
  isFull: boolean;
}

/** Gathers lines for sending, in bounded memory however fast they come and however long nothing can be sent. */
export function createLogBatches({ batchBytes, keepBytes }: LogBatchesOptions): LogBatches {
  const headLimit = Math.floor(keepBytes / 2);
  const tailLimit = keepBytes - headLimit;
  let waiting: Waiting[] = [];
  let addedBytes = 0;
  let tailBytes = 0;
  /** To be told with the next batch. */
  let missingBytes = 0;
  let droppedInAll = 0;

  /** Joined, its lines no longer hold on to the blocks that they were cut from. */
  function fill(batch: Waiting): void {
    batch.isFull = true;
    for (const run of batch.runs) run.lines = [run.lines.join('\n')];
  }

  function openBatch(bytes: number): Waiting {
    const newest = waiting.at(-1);
    if (newest !== undefined && !newest.isFull) {
      if (newest.bytes + bytes <= batchBytes && newest.runs.length < ENTRIES_MAX) return newest;
      fill(newest);
    }
    const batch: Waiting = {
      runs: [],
      bytes: 0,
      droppedBytes: missingBytes,
      isTail: addedBytes + bytes > headLimit,
      isFull: false,
    };
    missingBytes = 0;
    waiting.push(batch);
    return batch;
  }

  function dropOldTail(): void {
    while (tailBytes > tailLimit) {
      const at = waiting.findIndex((batch) => batch.isTail);
      const batch = waiting[at];
      const following = waiting[at + 1];
      // The one that is being filled stays.
      if (batch === undefined || following === undefined) return;
      waiting.splice(at, 1);
      tailBytes -= batch.bytes;
      droppedInAll += batch.bytes;
      following.droppedBytes += batch.bytes + batch.droppedBytes;
    }
  }

  return {
    add(line) {
      const text = shorten(line.text);
      const bytes = Buffer.byteLength(text) + 1;
      const batch = openBatch(bytes);
      const run = batch.runs.at(-1);
      if (run !== undefined && run.stream === line.stream) run.lines.push(text);
      else batch.runs.push({ stream: line.stream, lines: [text] });
      batch.bytes += bytes;
      addedBytes += bytes;
      if (!batch.isTail) return;
      tailBytes += bytes;
      if (tailBytes > tailLimit) dropOldTail();
    },
    take() {
      const batch = waiting.shift();
      if (batch === undefined) {
        if (missingBytes === 0) return null;
        const missing = missingBytes;
        missingBytes = 0;
        return { entries: [], bytes: 0, droppedBytes: missing };
      }
      if (batch.isTail) tailBytes -= batch.bytes;
      return {
        entries: batch.runs.map(({ stream, lines }) => ({ stream, text: lines.join('\n') })),
        bytes: batch.bytes,
        droppedBytes: batch.droppedBytes,
      };
    },
    hasFull: () => waiting.length > 1 || waiting[0]?.isFull === true,
    count: () => waiting.length,
    noteDropped(batch) {
      const bytes = batch.bytes + batch.droppedBytes;
      droppedInAll += batch.bytes;
      const [next] = waiting;
      if (next === undefined) missingBytes += bytes;
      else next.droppedBytes += bytes;
    },
    clear() {
      for (const batch of waiting) droppedInAll += batch.bytes;
      waiting = [];
      tailBytes = 0;
      missingBytes = 0;
    },
    droppedBytes: () => droppedInAll,
  };
}

function shorten(text: string): string {
  // No character has more than three bytes for each of its units.
  if (text.length * 3 <= LINE_BYTES_MAX || Buffer.byteLength(text) <= LINE_BYTES_MAX) return text;
  const head = keepFirstBytes(text, LINE_BYTES_MAX / 2 - 64);
  const tail = keepLastBytes(text, LINE_BYTES_MAX / 2 - 64);
  const dropped = Buffer.byteLength(text) - Buffer.byteLength(head) - Buffer.byteLength(tail);
  return `${head}[… ${dropped} bytes dropped …]${tail}`;
}
