import type { Pool } from 'pg';
import { run, runAlone } from './sql.js';

/** Whose key it is, and what call it stands for. Ids are bare UUIDs. */
export interface KeyRow {
  workspaceId: string;
  tokenId: string;
  key: string;
  /** SHA-256 of the call. */
  fingerprint: Uint8Array;
}

export interface TakenKey {
  /** Nobody had it: the call is this one's to do. */
  taken: boolean;
  /** It stands for this very call. */
  same: boolean;
  /** What it was answered; null where it has not been yet. */
  status: number | null;
  body: Buffer | null;
}

const TAKE = {
  name: 'take_idempotency_key',
  text: 'SELECT taken, same, status, body FROM take_idempotency_key($1, $2, $3, $4, engine_now($5))',
};
const ANSWER = {
  name: 'answer_idempotency_key',
  text: 'SELECT status, body FROM answer_idempotency_key($1, $2, $3, $4, $5)',
};
const FORGET = {
  name: 'forget_idempotency_keys',
  text: 'SELECT forget_idempotency_keys(engine_now($1), $2) AS removed',
};

/** Answers are larger than request ids; so many go in some ten milliseconds. */
const FORGET_AT_ONCE = 2_000;

/** Takes a key, or says what is known of it. Waits for who holds it: 55P03 (lock not available) after 5 s. */
export async function takeKey(pool: Pool, row: KeyRow, now: Date | null): Promise<TakenKey> {
  const rows = await run<TakenKey & { taken: boolean }>(pool, TAKE, [
    row.workspaceId,
    row.tokenId,
    row.key,
    row.fingerprint,
    now,
  ]);
  return rows[0] as TakenKey;
}

/** Notes the answer of a key that has none, and says what its answer is; null: there is no such key any more. */
export async function answerKey(
  pool: Pool,
  row: KeyRow,
  answer: { status: number; body: Uint8Array | null },
): Promise<{ status: number; body: Buffer | null } | null> {
  const rows = await run<{ status: number | null; body: Buffer | null }>(pool, ANSWER, [
    row.workspaceId,
    row.tokenId,
    row.key,
    answer.status,
    answer.body,
  ]);
  const [known] = rows;
  return known === undefined || known.status === null ? null : { status: known.status, body: known.body };
}

/** Keys are kept a day; a repeat after that is a new call. Removes at most 2,000. */
export async function forgetOldKeys(pool: Pool, now: Date | null): Promise<void> {
  await runAlone(pool, FORGET, [now, FORGET_AT_ONCE]);
}
