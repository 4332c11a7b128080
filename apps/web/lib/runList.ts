import type { RunStatus } from '@neolith/contracts';
import { RUNS_LENGTH } from './runPage';

/** Which runs a list shows; the address keeps it. */
export interface RunListChoice {
  status: RunStatus | null;
  /** Null: from the newest on. */
  cursor: string | null;
}

export const SHOWN_STATUSES = [
  'RUNNING',
  'PAUSED',
  'QUARANTINED',
  'PENDING',
  'SUCCEEDED',
  'FAILED',
  'CANCELLED',
] as const satisfies readonly RunStatus[];

/** What of an address makes no sense counts as not said. */
export function parseRunListChoice(query: {
  status: string | undefined;
  cursor: string | undefined;
}): RunListChoice {
  return {
    status: SHOWN_STATUSES.find((status) => status === query.status) ?? null,
    cursor: query.cursor === undefined || !/^run_[0-9a-f-]{36}$/.test(query.cursor) ? null : query.cursor,
  };
}

/** The query of `GET /runs` for it. */
export function runListQuery({ status, cursor }: RunListChoice): string {
  return new URLSearchParams({
    limit: String(RUNS_LENGTH),
    ...(status === null ? {} : { status }),
    ...(cursor === null ? {} : { cursor }),
  }).toString();
}
