import { learnServerTime } from './clock';

/** A refusal of the API, with its stable code; `SERVER_UNREACHABLE` where no answer came. */
export class ApiProblem extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status: number,
  ) {
    super(message);
    this.name = 'ApiProblem';
  }
}

const TIMEOUT_MS = 15_000;

/** Reads `/api/v1` + path with the session's cookie; answers its JSON, throws ApiProblem. */
export async function apiGet<T>(path: string, signal?: AbortSignal): Promise<T> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  const sentAt = Date.now();
  try {
    response = await fetch(`/api/v1${path}`, {
      headers: { accept: 'application/json' },
      cache: 'no-store',
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
  } catch (cause) {
    if (signal?.aborted === true) throw cause;
    throw new ApiProblem('SERVER_UNREACHABLE', 'The server does not answer.', 503);
  }
  learnServerTime(response.headers.get('date'), sentAt, Date.now());
  const body: unknown = await response.json().catch(() => null);
  if (response.ok) return body as T;
  const problem = (body ?? {}) as { code?: unknown; detail?: unknown };
  throw new ApiProblem(
    typeof problem.code === 'string' ? problem.code : 'INTERNAL',
    typeof problem.detail === 'string' ? problem.detail : `The server answered ${response.status}.`,
    response.status,
  );
}
