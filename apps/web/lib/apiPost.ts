import { ApiProblem } from './apiGet';

const TIMEOUT_MS = 60_000;

/**
 * Sends a body to `/api/v1` + path with the session's cookie; answers its JSON, throws ApiProblem. `key`: sent again with the
 * same one after a lost answer, the call is done once.
 */
export async function apiPost<T>(path: string, body: unknown, key: string): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method: 'POST',
      headers: { accept: 'application/json', 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(body),
      cache: 'no-store',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (cause) {
    throw new ApiProblem(
      'SERVER_UNREACHABLE',
      `The server does not answer${cause instanceof DOMException && cause.name === 'TimeoutError' ? ' in time' : ''}; whether it was done shows when it is back.`,
      503,
    );
  }
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok) return answer as T;
  const problem = (answer ?? {}) as { code?: unknown; detail?: unknown };
  throw new ApiProblem(
    typeof problem.code === 'string' ? problem.code : 'INTERNAL',
    typeof problem.detail === 'string' ? problem.detail : `The server answered ${response.status}.`,
    response.status,
  );
}
