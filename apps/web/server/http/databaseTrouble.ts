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

/** SQLSTATEs: connection errors (08), shutdown and start-up (57P), too many connections, a statement that took too long. */
const SQLSTATE = /^(08...|57P0[1-5]|57014|53300|53400|25P0[34])$/;

/** Prisma's: unreachable, timed out, closed, no free connection, a transaction out of its time. */
const PRISMA = new Set(['P1001', 'P1002', 'P1008', 'P1011', 'P1017', 'P2024', 'P2028', 'P2037']);

/** pg reports these without a code. */
const MESSAGES =
  /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect|Query read timeout|timeout expired|Client was closed|Cannot use a pool after)/;

const ADAPTER_KINDS = new Set([
  'DatabaseNotReachable',
  'ConnectionClosed',
  'SocketTimeout',
  'TooManyConnections',
  'TlsConnectionError',
]);

function saysSo(error: object): boolean {
  const { code, name, message, kind, originalCode, syscall } = error as Record<string, unknown>;
  if (
    name === 'DatabaseError' &&
    typeof code === 'string' &&
    /^(DATABASE_|EMBEDDED_|POSTGRES_|MIGRATION)/.test(code)
  ) {
    return true;
  }
  if (typeof code === 'string' && (NETWORK.has(code) || SQLSTATE.test(code) || PRISMA.has(code))) return true;
  // A socket file that is gone; any other missing file is a fault of ours.
  if (code === 'ENOENT' && syscall === 'connect') return true;
  if (typeof originalCode === 'string' && SQLSTATE.test(originalCode)) return true;
  if (typeof kind === 'string' && ADAPTER_KINDS.has(kind)) return true;
  return typeof message === 'string' && MESSAGES.test(message);
}

/**
 * Whether an error says that the database can't be asked now, though it may be again in a moment: anywhere along its
 * causes, because Prisma, the pool and an aggregate of several addresses each wrap it in their own way.
 */
export function isDatabaseTrouble(error: unknown, depth = 0): boolean {
  if (typeof error !== 'object' || error === null || depth > 8) return false;
  if (saysSo(error)) return true;
  const { cause, errors, meta } = error as {
    cause?: unknown;
    errors?: unknown;
    meta?: { driverAdapterError?: unknown };
  };
  if (Array.isArray(errors) && errors.some((inner) => isDatabaseTrouble(inner, depth + 1))) return true;
  return isDatabaseTrouble(cause, depth + 1) || isDatabaseTrouble(meta?.driverAdapterError, depth + 1);
}
