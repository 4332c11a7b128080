import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { PoolClient } from 'pg';
import { from } from 'pg-copy-streams';

/** A value as COPY's text format has it; arrays of text and JSON are written by `copyArray` and JSON.stringify. */
export type CopyValue = string | number | Date | null;

/** Characters a piece of the stream: large enough that few messages are sent, small enough to be nothing in memory. */
const PIECE_CHARS = 65_536;
const SPECIAL = /[\\\n\r\t]/;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * Fills a table by COPY, the cheapest way in: no parameters, no plan, and constraints, indexes and triggers as with any
 * other insert. One statement; the rows are written as they are taken, so that they are never all in memory as text.
 */
export async function copyRows(
  client: PoolClient,
  target: { table: string; columns: readonly string[] },
  rows: Iterable<readonly CopyValue[]>,
): Promise<void> {
  const columns = target.columns.map((column) => client.escapeIdentifier(column)).join(', ');
  const sink = client.query(from(`COPY ${client.escapeIdentifier(target.table)} (${columns}) FROM STDIN`));
  await pipeline(Readable.from(writePieces(rows)), sink);
}

function* writePieces(rows: Iterable<readonly CopyValue[]>): Generator<Buffer> {
  let piece = '';
  for (const row of rows) {
    for (let column = 0; column < row.length; column += 1) {
      if (column > 0) piece += '\t';
      piece += writeValue(row[column] as CopyValue);
    }
    piece += '\n';
    if (piece.length < PIECE_CHARS) continue;
    yield Buffer.from(piece);
    piece = '';
  }
  if (piece !== '') yield Buffer.from(piece);
}

function writeValue(value: CopyValue): string {
  if (value === null) return '\\N';
  if (typeof value === 'string') {
    return SPECIAL.test(value) ? value.replace(/[\\\n\r\t]/g, (char) => ESCAPES[char] as string) : value;
  }
  return typeof value === 'number' ? String(value) : value.toISOString();
}

/** An array of texts as PostgreSQL writes it; each element in quotes, so that none can be taken for NULL. */
export function copyArray(texts: readonly string[]): string {
  if (texts.length === 0) return '{}';
  return `{${texts.map((text) => `"${text.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
}
