import type { Redactor } from './redactSecrets.js';
import { sanitiseText } from './sanitiseText.js';
import type { OutputPiece } from './splitLines.js';

/** Dropped at each side of a cut, at least; known secrets that are longer raise it. */
const EDGE_LENGTH_MIN = 64;
/** A token without its beginning has no shape any more, so what could be the rest of one goes too, up to this. */
const TOKEN_REST_LENGTH_MAX = 4096;
const TOKEN_CHARACTER = /[\w.~+/=-]/;

export interface CleanPiece {
  readonly text: string;
  readonly cut: boolean;
}

/**
 * Sanitises and redacts, in this order: a secret with a NUL or a colour in its middle is whole again before
 * it is looked for. Where a line was cut, a secret may have been cut as well, and half a secret matches
 * nothing: both sides of the cut lose as many characters as the longest secret has.
 */
export function cleanPiece(piece: OutputPiece, redactor: Redactor): CleanPiece {
  if (piece.kind === 'lines') return { text: redactor.redact(sanitiseText(piece.text)), cut: false };
  const edge = Math.max(EDGE_LENGTH_MIN, redactor.longestLength);
  const head = redactor.redact(sanitiseText(piece.head));
  const tail = redactor.redact(sanitiseText(piece.tail));
  const headEnd = Math.max(0, head.length - edge);
  let tailStart = Math.min(tail.length, edge);
  const stop = Math.min(tail.length, tailStart + TOKEN_REST_LENGTH_MAX);
  while (tailStart < stop && TOKEN_CHARACTER.test(tail[tailStart] ?? '')) tailStart += 1;
  const middle = `[… ${piece.droppedBytes} bytes dropped …]`;
  // Slicing can leave half a surrogate pair at an edge.
  return { text: sanitiseText(`${head.slice(0, headEnd)}${middle}${tail.slice(tailStart)}`), cut: true };
}
