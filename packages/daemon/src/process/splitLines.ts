/** Either whole lines joined by `\n`, or one line so long that its middle was dropped. */
export type OutputPiece =
  | { readonly kind: 'lines'; readonly text: string }
  | { readonly kind: 'cut'; readonly head: string; readonly tail: string; readonly droppedBytes: number };

export interface LineSplitter {
  push(chunk: Buffer): OutputPiece[];
  /** What was left without a line break. Call once, after the last chunk. */
  end(): OutputPiece[];
}

const LF = 0x0a;
const CR = 0x0d;
const HELD_CHUNKS_MAX = 64;

/**
 * Cuts a stream of bytes into lines (`\n`, `\r\n` or a lone `\r`, as progress bars use) in bounded memory.
 * Bytes are decoded only up to a line break, which is never part of a multi-byte character, so a character
 * that arrives in two chunks stays whole. Invalid UTF-8 becomes U+FFFD.
 * @param limitBytes longest line kept whole; of a longer one the first and the last half of the limit remain.
 */
export function createLineSplitter(limitBytes: number): LineSplitter {
  const half = Math.max(1, Math.floor(limitBytes / 2));
  let held: Buffer[] = [];
  let heldBytes = 0;
  let head: Buffer | null = null;
  let droppedBytes = 0;
  let afterCarriageReturn = false;

  function hold(bytes: Buffer): void {
    if (bytes.length === 0) return;
    held.push(bytes);
    heldBytes += bytes.length;
    if (head === null && heldBytes > limitBytes) {
      const all = Buffer.concat(held, heldBytes);
      head = Buffer.from(all.subarray(0, half));
      held = [Buffer.from(all.subarray(half))];
      heldBytes = all.length - half;
    }
    if (head !== null) dropMiddle();
    else if (held.length > HELD_CHUNKS_MAX) held = [Buffer.concat(held, heldBytes)];
  }

  function dropMiddle(): void {
    if (heldBytes <= half * 2 && held.length <= HELD_CHUNKS_MAX) return;
    const all = Buffer.concat(held, heldBytes);
    const keep = Buffer.from(all.subarray(Math.max(0, all.length - half)));
    droppedBytes += all.length - keep.length;
    held = [keep];
    heldBytes = keep.length;
  }

  function takeHeldLine(): OutputPiece {
    const all = Buffer.concat(held, heldBytes);
    const before = head;
    const dropped = droppedBytes;
    held = [];
    heldBytes = 0;
    head = null;
    droppedBytes = 0;
    if (before === null) return pieceOfLine(all);
    const tail = all.subarray(Math.max(0, all.length - half));
    return {
      kind: 'cut',
      head: before.toString('utf8'),
      tail: tail.toString('utf8'),
      droppedBytes: dropped + all.length - tail.length,
    };
  }

  function pieceOfLine(line: Buffer): OutputPiece {
    if (line.length <= limitBytes) return { kind: 'lines', text: line.toString('utf8') };
    return {
      kind: 'cut',
      head: line.toString('utf8', 0, half),
      tail: line.toString('utf8', line.length - half),
      droppedBytes: line.length - 2 * half,
    };
  }

  /** `block` is one or more whole lines, without the last line break. */
  function piecesOfBlock(block: Buffer): OutputPiece[] {
    if (block.length <= limitBytes) return [{ kind: 'lines', text: decodeLines(block) }];
    const pieces: OutputPiece[] = [];
    let runStart = 0;
    let lineStart = 0;
    for (;;) {
      const lineEnd = findBreak(block, lineStart);
      const stop = lineEnd === -1 ? block.length : lineEnd;
      const next = lineEnd === -1 ? block.length + 1 : skipBreak(block, lineEnd);
      if (stop - lineStart > limitBytes) {
        if (runStart < lineStart) pieces.push(linesPiece(block, runStart, lineStart));
        pieces.push(pieceOfLine(block.subarray(lineStart, stop)));
        runStart = next;
      }
      if (lineEnd === -1) break;
      lineStart = next;
    }
    if (runStart < block.length) {
      pieces.push({ kind: 'lines', text: decodeLines(block.subarray(runStart)) });
    } else if (runStart === block.length) {
      pieces.push({ kind: 'lines', text: '' });
    }
    return pieces;
  }

  return {
    push(chunk) {
      let rest = chunk;
      if (afterCarriageReturn && rest.length > 0) {
        afterCarriageReturn = false;
        if (rest[0] === LF) rest = rest.subarray(1);
      }
      const lastBreak = Math.max(rest.lastIndexOf(LF), rest.lastIndexOf(CR));
      if (lastBreak === -1) {
        hold(rest);
        return [];
      }
      afterCarriageReturn = lastBreak === rest.length - 1 && rest[lastBreak] === CR;
      const after = rest.subarray(lastBreak + 1);
      const pieces: OutputPiece[] = [];
      let blockStart = 0;
      if (heldBytes > 0 || head !== null) {
        const firstBreak = findBreak(rest, 0);
        hold(rest.subarray(0, firstBreak));
        pieces.push(takeHeldLine());
        blockStart = skipBreak(rest, firstBreak);
      }
      if (blockStart <= lastBreak) {
        // The last break may be the \n of a \r\n: then its \r is not part of the line.
        const crlf = rest[lastBreak] === LF && lastBreak > blockStart && rest[lastBreak - 1] === CR;
        pieces.push(...piecesOfBlock(rest.subarray(blockStart, crlf ? lastBreak - 1 : lastBreak)));
      }
      hold(after);
      return pieces;
    },
    end() {
      if (heldBytes === 0 && head === null) return [];
      return [takeHeldLine()];
    },
  };
}

function linesPiece(block: Buffer, start: number, next: number): OutputPiece {
  let end = next;
  if (block[end - 1] === LF) end -= 1;
  if (end > start && block[end - 1] === CR) end -= 1;
  return { kind: 'lines', text: decodeLines(block.subarray(start, end)) };
}

function decodeLines(block: Buffer): string {
  const text = block.toString('utf8');
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
}

function findBreak(bytes: Buffer, from: number): number {
  const lf = bytes.indexOf(LF, from);
  const cr = bytes.subarray(from, lf === -1 ? bytes.length : lf).indexOf(CR);
  return cr === -1 ? lf : from + cr;
}

function skipBreak(bytes: Buffer, at: number): number {
  return bytes[at] === CR && bytes[at + 1] === LF ? at + 2 : at + 1;
}
