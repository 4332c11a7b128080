import type { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type CapturedText, createBoundedText } from './boundedText.js';
import { cleanPiece } from './cleanOutput.js';
import type { OutputLine } from './processSpec.js';
import type { Redactor } from './redactSecrets.js';
import { createLineSplitter, type OutputPiece } from './splitLines.js';
import { waitAtMost } from './waitAtMost.js';

/** After this much in one turn of the event loop the others are let through: heartbeats must be on time. */
const BYTES_PER_TURN = 256 * 1024;
/** A stream that someone keeps writing to after the exit is read for this many linger times, then destroyed. */
const LINGER_TIMES_MAX = 4;

export interface OutputReader {
  /** After the exit: reads on until the end of the stream, or until it was silent for `lingerMs`; then it is destroyed. */
  settle(lingerMs: number): Promise<void>;
  read(): CapturedText;
  /** When the last bytes came, by `performance.now()`; null where none came yet. */
  lastReadMs(): number | null;
}

export interface OutputReaderOptions {
  readonly stream: Readable;
  readonly name: OutputLine['stream'];
  readonly redactor: Redactor;
  readonly outputLimitBytes: number;
  readonly lineLimitBytes: number;
  readonly onLine: (line: OutputLine) => void;
  readonly onProblem: (error: Error) => void;
}

/**
 * Reads one output stream to its end: cleaned, line by line, capped. Reading is all that holds a fast writer
 * back, so nothing is queued here: what was read is handled before more is asked for.
 */
export function readOutput(options: OutputReaderOptions): OutputReader {
  const { stream, name } = options;
  const splitter = createLineSplitter(options.lineLimitBytes);
  const captured = createBoundedText(options.outputLimitBytes);
  let bytesRead = 0;
  let bytesThisTurn = 0;
  let lastReadMs: number | null = null;

  function take(pieces: readonly OutputPiece[]): void {
    for (const piece of pieces) {
      const { text, cut } = cleanPiece(piece, options.redactor);
      captured.append(`${text}\n`);
      for (const line of text.split('\n')) options.onLine({ stream: name, text: line, cut });
    }
  }

  stream.on('data', (chunk: Buffer) => {
    bytesRead += chunk.length;
    bytesThisTurn += chunk.length;
    lastReadMs = performance.now();
    take(splitter.push(chunk));
    if (bytesThisTurn < BYTES_PER_TURN) return;
    stream.pause();
    setImmediate(() => {
      bytesThisTurn = 0;
      stream.resume();
    });
  });
  const closed = new Promise<void>((resolve) => {
    stream.once('close', resolve);
    stream.once('end', resolve);
  });
  stream.on('error', options.onProblem);

  return {
    async settle(lingerMs) {
      const giveUpAt = performance.now() + lingerMs * LINGER_TIMES_MAX;
      for (;;) {
        const before = bytesRead;
        if (await waitAtMost(closed, lingerMs)) break;
        // The timer may have fired before what waited in the pipe was read, if the loop was held up meanwhile.
        await nextTurn();
        if (bytesRead === before || performance.now() > giveUpAt) break;
      }
      stream.destroy();
      take(splitter.end());
    },
    read: () => captured.read(),
    lastReadMs: () => lastReadMs,
  };
}
