import { NeolithError } from '@neolith/contracts';
import type { EngineContext } from '../engineContext.js';
import { holdSignals } from '../events/holdSignals.js';
import { createLanes } from '../lanes/lanes.js';
import { answerKey, type KeyRow, type TakenKey, takeKey } from '../store/idempotencyKeys.js';
import { toEngineError, tryAgain } from '../store/sql.js';
import { workspaceOf } from './workspace.js';

/** A call that was given a key by its caller. */
export interface KeyedCall {
  /** The bare UUID of the caller's token: keys of one token mean nothing to another. */
  tokenId: string;
  /** 1 to 255 characters. */
  key: string;
  /** SHA-256 of all that makes the call what it is: method, path, query and body. 32 bytes. */
  fingerprint: Uint8Array;
}

/** An answer as it is kept: an HTTP status and the bytes of its body, null where it has none. */
export interface KeptAnswer {
  status: number;
  body: Uint8Array | null;
}

export interface OnceAnswer extends KeptAnswer {
  /** True where it was answered before: nothing was done this time. */
  replayed: boolean;
}

export interface AnswerOnceOptions {
  /**
   * Makes an answer of what the work threw, where that is an answer and will be the same again. It is kept like any
   * other, and what the work had done until then is undone. Null: nothing is kept, and the same call is tried anew.
   * Default: always null.
   */
  refusal?: (error: unknown) => KeptAnswer | null;
}

/**
 * Does a call, once, however often it comes with the same key, and answers each time the same. The key, all that the
 * work does through the engine it is given, and the answer are committed by one transaction: there is no moment at which
 * a crash could leave one without the others. A second call that comes meanwhile waits for the first, up to 5 s.
 *
 * The work must do everything through what it is given, must not wait for others, and is done again where locks met
 * head-on. Keys are kept for 24 hours, by workspace and token.
 * Errors: IDEMPOTENCY_KEY_REUSED (it stands for another call), IDEMPOTENCY_KEY_IN_USE (the first call goes on for longer),
 * DATABASE_UNAVAILABLE, and what the work throws without a `refusal`; of the last two the same call may be made again.
 */
export async function answerOnce(
  engine: EngineContext,
  call: KeyedCall,
  work: (within: EngineContext) => Promise<KeptAnswer>,
  options: AnswerOnceOptions = {},
): Promise<OnceAnswer> {
  const { transaction } = engine;
  if (transaction === null) {
    throw new NeolithError(
      'INVALID_INPUT',
      'answerOnce needs `transaction` of openDatabase: createWorkEngine(database)',
    );
  }
  const row = await keyRow(engine, call);
  const { answer, letGo } = await tryAgain(() =>
    transaction(async ({ prisma, pool }) => {
      const signals = holdSignals(engine);
      const known = knownAnswer(await take(() => takeKey(pool, row, engine.now()), call), call);
      if (known !== null) return { answer: { ...known, replayed: true }, letGo: signals.letGo };
      const within = { ...engine, ...signals, prisma, pool, lanes: createLanes(pool), transaction: null };
      const answer = await undoneIfRefused(pool, () => work(within), options.refusal);
      await answerKey(pool, row, answer);
      return { answer: { ...answer, replayed: false }, letGo: signals.letGo };
    }),
  );
  letGo();
  return answer;
}

/**
 * The same for a call that by its nature has its effect once however often it is made, and that can't be done in one
 * transaction because it waits: its key is noted before, its answer after. Where the answer got lost between the two, the
 * call is made again, and changes nothing. Of two at once both are made, and both get the answer that was kept first.
 * Errors: IDEMPOTENCY_KEY_REUSED, IDEMPOTENCY_KEY_IN_USE, DATABASE_UNAVAILABLE, and what the work throws without a `refusal`.
 */
export async function answerRepeatable(
  engine: EngineContext,
  call: KeyedCall,
  work: () => Promise<KeptAnswer>,
  options: AnswerOnceOptions = {},
): Promise<OnceAnswer> {
  const row = await keyRow(engine, call);
  const known = knownAnswer(await take(() => takeKey(engine.pool, row, engine.now()), call), call);
  if (known !== null) return { ...known, replayed: true };
  let answer: KeptAnswer;
  try {
    answer = await work();
  } catch (error) {
    const refused = options.refusal?.(error) ?? null;
    if (refused === null) throw error;
    answer = refused;
  }
  const kept = (await answerKey(engine.pool, row, answer)) ?? answer;
  return { ...kept, replayed: false };
}

async function keyRow(engine: EngineContext, { tokenId, key, fingerprint }: KeyedCall): Promise<KeyRow> {
  return { workspaceId: await workspaceOf(engine), tokenId, key, fingerprint };
}

async function take(ask: () => Promise<TakenKey>, { key }: KeyedCall): Promise<TakenKey> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === '55P03')) throw toEngineError(error);
    throw new NeolithError(
      'IDEMPOTENCY_KEY_IN_USE',
      `The first call with the idempotency key ${JSON.stringify(key)} is still at work; try again shortly`,
      { cause: error },
    );
  }
}

/** Null: it has to be done. */
function knownAnswer(found: TakenKey, { key }: KeyedCall): KeptAnswer | null {
  if (!found.same) {
    throw new NeolithError(
      'IDEMPOTENCY_KEY_REUSED',
      `The idempotency key ${JSON.stringify(key)} stands for another call, with another body or to another route; use a new key for each call`,
    );
  }
  return found.status === null ? null : { status: found.status, body: found.body };
}

/** Does the work as one piece, which leaves nothing behind where it is refused. */
async function undoneIfRefused(
  pool: EngineContext['pool'],
  work: () => Promise<KeptAnswer>,
  refusal: AnswerOnceOptions['refusal'],
): Promise<KeptAnswer> {
  const mark = async (text: string) => {
    const client = await pool.connect();
    try {
      await client.query(text);
    } finally {
      client.release();
    }
  };
  await mark('SAVEPOINT work');
  try {
    return await work();
  } catch (error) {
    const refused = refusal?.(error) ?? null;
    if (refused === null) throw error;
    await mark('ROLLBACK TO SAVEPOINT work');
    return refused;
  }
}
