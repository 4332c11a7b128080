import { formatId, type IdKind, NeolithError, parseId } from '@neolith/contracts';

/** As `formatTimeCursor` writes it. Other dates that JavaScript reads are perhaps beyond what PostgreSQL can hold. */
const WRITTEN = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** The place of a row in a list that is ordered by a time and then by id. */
export function formatTimeCursor(kind: IdKind, at: Date, id: string): string {
  return `${at.toISOString()}~${formatId(kind, id)}`;
}

/** Errors: INVALID_CURSOR for whatever `formatTimeCursor` would not write. */
export function parseTimeCursor(kind: IdKind, cursor: string): { at: Date; id: string } {
  const [time = '', written = '', ...rest] = cursor.split('~');
  const at = new Date(WRITTEN.test(time) ? time : Number.NaN);
  const id = parseId(kind, written);
  if (id === null || rest.length > 0 || Number.isNaN(at.getTime()) || at.toISOString() !== time) {
    throw new NeolithError(
      'INVALID_CURSOR',
      'The cursor is not one that this list gave; leave it out to begin anew',
    );
  }
  return { at, id };
}
