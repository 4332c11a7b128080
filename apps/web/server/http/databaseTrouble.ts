import { anyCause, isConnectionLost } from '@neolith/database';

/** A statement that took too long: it waited for a lock, as a rule. */
const TOOK_TOO_LONG = '57014';

/** What opening the database says of it; a caller can't do anything about it, and may find it mended in a moment. */
const OF_OPENING = /^(DATABASE_|EMBEDDED_|POSTGRES_|MIGRATION)/;

/** Whether an error says that the database can't be asked now, though it may be again in a moment. */
export function isDatabaseTrouble(error: unknown): boolean {
  return isConnectionLost(error) || anyCause(error, saysSo);
}

function saysSo(error: object): boolean {
  const { code, originalCode, name } = error as Record<string, unknown>;
  if (code === TOOK_TOO_LONG || originalCode === TOOK_TOO_LONG) return true;
  return name === 'DatabaseError' && typeof code === 'string' && OF_OPENING.test(code);
}
