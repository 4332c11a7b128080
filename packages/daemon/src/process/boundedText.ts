export interface CapturedText {
  /** All of it, or head and tail with a mark between. */
  readonly text: string;
  readonly totalBytes: number;
  /** 0 when nothing was dropped. */
  readonly droppedBytes: number;
}

export interface BoundedText {
  append(text: string): void;
  read(): CapturedText;
}

/** Pieces below this many characters are joined, so that single lines do not fill the list. */
const PIECE_LENGTH_MIN = 8 * 1024;

/**
 * Collects text of any length in bounded memory: the first half of the limit and the last half are kept.
 * @param limitBytes of UTF-8; the mark between head and tail comes on top.
 */
export function createBoundedText(limitBytes: number): BoundedText {
  const headLimit = Math.floor(limitBytes / 2);
  const tailLimit = limitBytes - headLimit;
  let head = '';
  let headBytes = 0;
  let headFull = false;
  let tail: { text: string; bytes: number }[] = [];
  let tailStart = 0;
  let tailBytes = 0;
  let totalBytes = 0;

  function appendToTail(text: string, bytes: number): void {
    const newest = tail.length > tailStart ? tail.at(-1) : undefined;
    if (newest !== undefined && newest.text.length + text.length < PIECE_LENGTH_MIN) {
      newest.text += text;
      newest.bytes += bytes;
    } else {
      tail.push({ text, bytes });
    }
    tailBytes += bytes;
    for (;;) {
      const oldest = tail[tailStart];
      if (oldest === undefined || tailStart === tail.length - 1) break;
      if (tailBytes - oldest.bytes < tailLimit) break;
      tailBytes -= oldest.bytes;
      tail[tailStart] = { text: '', bytes: 0 };
      tailStart += 1;
    }
    if (tailStart > 1024) {
      tail = tail.slice(tailStart);
      tailStart = 0;
    }
  }

  return {
    append(text) {
      const bytes = Buffer.byteLength(text);
      totalBytes += bytes;
      if (headFull) {
        appendToTail(text, bytes);
        return;
      }
      if (headBytes + bytes <= headLimit) {
        head += text;
        headBytes += bytes;
        return;
      }
      headFull = true;
      const first = keepFirstBytes(text, headLimit - headBytes);
      head += first;
      headBytes += Buffer.byteLength(first);
      appendToTail(text.slice(first.length), bytes - Buffer.byteLength(first));
    },
    read() {
      const kept = tail
        .slice(tailStart)
        .map((piece) => piece.text)
        .join('');
      const end = keepLastBytes(kept, tailLimit);
      const droppedBytes = totalBytes - headBytes - Buffer.byteLength(end);
      const text = droppedBytes === 0 ? head + end : `${head}\n[… ${droppedBytes} bytes dropped …]\n${end}`;
      return { text, totalBytes, droppedBytes };
    },
  };
}

/** The longest beginning of `text` that fits into `limitBytes` of UTF-8, never half a character. */
export function keepFirstBytes(text: string, limitBytes: number): string {
  if (text.length * 3 <= limitBytes) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= limitBytes) return text;
  let end = Math.max(0, limitBytes);
  while (end > 0 && isContinuation(bytes[end])) end -= 1;
  return bytes.toString('utf8', 0, end);
}

/** The longest end of `text` that fits into `limitBytes` of UTF-8, never half a character. */
export function keepLastBytes(text: string, limitBytes: number): string {
  if (text.length * 3 <= limitBytes) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= limitBytes) return text;
  let start = bytes.length - Math.max(0, limitBytes);
  while (start < bytes.length && isContinuation(bytes[start])) start += 1;
  return bytes.toString('utf8', start);
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
