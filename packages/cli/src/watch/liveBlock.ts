import type { WriteStream } from 'node:tty';
import { columnsOf } from '../output/fitLine.js';

/** A few lines at the end of a terminal that are drawn again and again. */
export interface LiveBlock {
  draw(lines: readonly string[]): void;
  /** Prints a line above the block, where it stays. */
  print(line: string): void;
  /** Leaves the block as it is, and the cursor below it. */
  end(): void;
}

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const CLEAR_BELOW = '\u001b[0J';
const CLEAR_TO_END = '\u001b[0K';

/**
 * Lines must fit into the width of the terminal: one that wraps would take two rows, and the next drawing would begin
 * too low. Redrawn in one write and without clearing first, so that nothing flickers.
 */
export function openLiveBlock(
  stream: Pick<WriteStream, 'write'> & Partial<Pick<WriteStream, 'columns'>>,
): LiveBlock {
  let drawn: readonly string[] = [];
  // A terminal that was made narrower has broken the lines into more rows.
  const rowsOf = (line: string): number =>
    Math.max(1, Math.ceil(columnsOf(line) / (stream.columns || Number.POSITIVE_INFINITY)));
  const up = (): string =>
    drawn.length === 0 ? '' : `\u001b[${drawn.reduce((rows, line) => rows + rowsOf(line), 0)}A\r`;
  const write = (lines: readonly string[]): string =>
    lines.map((line) => `${line}${CLEAR_TO_END}\n`).join('') + CLEAR_BELOW;
  // A process that dies must not leave a terminal without a cursor.
  const showCursor = (): void => void stream.write(SHOW_CURSOR);
  process.once('exit', showCursor);
  return {
    draw(lines) {
      stream.write(`${HIDE_CURSOR}${up()}${write(lines)}`);
      drawn = [...lines];
    },
    print(line) {
      stream.write(`${up()}${write([line, ...drawn])}`);
    },
    end() {
      showCursor();
      process.off('exit', showCursor);
      drawn = [];
    },
  };
}
