/** What Node says when the other end can't be reached or went away. */
const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/**
 * SQLSTATEs: connection errors (08), shutdown and start-up (57P), out of connections, memory or disk (53), a transaction out
 * of its time (25P03, 25P04), input or output failed (58).
 */
const SQLSTATE = /^(08|57P0|53[0-4]|25P0[34]|58)/;

/** Prisma's: unreachable, timed out, closed, no free connection, a transaction out of its time. */
const PRISMA = new Set(['P1001', 'P1002', 'P1008', 'P1011', 'P1017', 'P2024', 'P2028', 'P2037']);

/** pg reports these without a code, and Prisma among words of its own. */
const MESSAGES =
  /Connection terminated|encountered a connection error|Client was closed|timeout exceeded when trying to connect|Query read timeout|timeout expired|Cannot use a pool after/;

/** Of Prisma's adapters. */
const KINDS = new Set([
  'DatabaseNotReachable',
  'ConnectionClosed',
  'SocketTimeout',
  'TooManyConnections',
  'TlsConnectionError',
]);

const MOST_CAUSES = 8;

/**
 * Whether the database could not be asked, and may be again in a moment, as opposed to having refused what it was asked:
 * unreachable, gone, starting, ending, silent, or with no place for one more.
 */
export function isConnectionLost(error: unknown): boolean {
  return anyCause(error, saysSo);
}

/**
 * Whether something holds of an error or of what it was caused by: Prisma, the pool and an aggregate of several addresses
 * each wrap what the driver said in their own way.
 */
export function anyCause(error: unknown, holds: (cause: object) => boolean, depth = 0): boolean {
  if (typeof error !== 'object' || error === null || depth > MOST_CAUSES) return false;
  if (holds(error)) return true;
  const { cause, errors, meta } = error as {
    cause?: unknown;
    errors?: unknown;
    meta?: { driverAdapterError?: unknown };
  };
  const inner = [...(Array.isArray(errors) ? errors : []), cause, meta?.driverAdapterError];
  return inner.some((one) => anyCause(one, holds, depth + 1));
}

function saysSo(error: object): boolean {
  const { code, message, kind, originalCode, syscall } = error as Record<string, unknown>;
  if (typeof code === 'string' && (NETWORK.has(code) || SQLSTATE.test(code) || PRISMA.has(code))) return true;
  // A socket file that is gone; any other missing file is a fault of ours.
  if (code === 'ENOENT' && syscall === 'connect') return true;
  if (typeof originalCode === 'string' && SQLSTATE.test(originalCode)) return true;
  if (typeof kind === 'string' && KINDS.has(kind)) return true;
  return typeof message === 'string' && MESSAGES.test(message);
}
