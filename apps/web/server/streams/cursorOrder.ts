const CURSOR = /^[0-9a-f]+\.(\d{1,19})\.(\d{1,19})$/;

function placeOf(cursor: string): [bigint, bigint] {
  const [, xid, seq] = CURSOR.exec(cursor) ?? [];
  if (xid === undefined || seq === undefined) throw new Error(`No cursor: ${cursor.slice(0, 100)}`);
  return [BigInt(xid), BigInt(seq)];
}

/** Whether the text has the shape of a cursor; the database it is of is another question. */
export function isCursor(text: string): boolean {
  return CURSOR.test(text);
}

/** Whether `cursor` comes after `other` in the stream; both of the same epoch. */
export function isAfter(cursor: string, other: string): boolean {
  const [xid, seq] = placeOf(cursor);
  const [otherXid, otherSeq] = placeOf(other);
  return xid === otherXid ? seq > otherSeq : xid > otherXid;
}
