import { isNeolithError } from '@neolith/contracts';
import { redactSecrets } from '@neolith/daemon/text';

export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** What to do about errors whose message can't know it: it comes from the server, or from the wire. */
const REMEDIES: Readonly<Record<string, string>> = {
  SERVER_UNREACHABLE:
    'Start one with `neolith start`, or say where it is: --server URL, or NEOLITH_URL with NEOLITH_TOKEN or NEOLITH_TOKEN_FILE.',
  UNAUTHENTICATED:
    'The token belongs to another server, was revoked or has run out. Name another one: --token-file FILE, NEOLITH_TOKEN_FILE or NEOLITH_TOKEN. `neolith start` writes a fresh one into the token file of this machine.',
  FORBIDDEN:
    'The token lacks the scope for this. Use one with more scopes; the token file of the server’s machine has all.',
  DATABASE_UNAVAILABLE: 'The server is up but its database is not. Wait a moment and try again.',
  OVERLOADED: 'The server has more to do than it can answer in time. Wait a moment and try again.',
};

/** The code and the words for an error, whatever it is; without secrets. */
export function describeFailure(error: unknown): Failure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'UNEXPECTED';
  const message = error instanceof Error ? error.message : String(error);
  const remedy = isNeolithError(error) ? REMEDIES[error.code] : undefined;
  return { code, message: redactSecrets(remedy === undefined ? message : `${message}\n${remedy}`, []) };
}
