import { createHash } from 'node:crypto';
import { type Endpoint, isNeolithError, NeolithError } from '@neolith/contracts';
import type { KeptAnswer } from '@neolith/work-engine';
import type { Call, TAKEN_OVER } from './handle';
import { errorReply, type Reply, storedReply } from './respond';
import { openAnswer, sealAnswer } from './sealAnswer';

const HEADER = 'idempotency-key';
/** What can be written in a header and read in a log, without blanks around it. */
const SHAPE = /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/;

/** The key that a caller gives its call; null where it gives none. @throws NeolithError `INVALID_INPUT` */
export function readKey(headers: Pick<Headers, 'get'>): string | null {
  const key = headers.get(HEADER);
  if (key === null || SHAPE.test(key)) return key;
  const message = 'must be 1 to 255 visible ASCII characters';
  throw new NeolithError('INVALID_INPUT', `headers.${HEADER}: ${message}`, {
    details: { errors: [{ path: `headers.${HEADER}`, message }] },
  });
}

interface Keyed {
  endpoint: Endpoint;
  key: string;
  /** The body as it was parsed, before it was checked: defaults may change from one version to the next. */
  json: unknown;
  /** The caller's own secret, which only the caller and nothing here keeps. */
  secret: string;
}

/**
 * Answers a call that has a key: as before, where it was answered before. What was done and what is answered are kept
 * together, see `answerOnce` of the engine; a call that waits, or that many make at once, is done in its ordinary way, for it
 * has its effect once by its nature.
 *
 * @throws NeolithError `IDEMPOTENCY_KEY_REUSED`, `IDEMPOTENCY_KEY_IN_USE`
 */
export async function answerKeyed(
  { endpoint, key, json, secret }: Keyed,
  call: Call<Endpoint>,
  answer: (call: Call<Endpoint>) => Promise<Reply | Response | typeof TAKEN_OVER>,
): Promise<Reply> {
  const { engine, principal, input, request } = call;
  const seal = endpoint.secretAnswer === true ? { secret, key } : null;
  const keep = ({ status, text }: Reply): KeptAnswer => ({
    status,
    body: text === null ? null : sealAnswer(text, seal),
  });
  const keyed = { tokenId: principal.tokenId, key, fingerprint: fingerprintOf(endpoint, input, json) };
  const refusal = (error: unknown): KeptAnswer | null =>
    isNeolithError(error) && error.status < 500 ? keep(errorReply(error, request)) : null;
  const work = async (own: Call<Endpoint>): Promise<KeptAnswer> => {
    const reply = await answer(own);
    if (typeof reply === 'symbol' || reply instanceof Response) {
      throw new Error(`${endpoint.path} answers a stream, which can't be kept`);
    }
    return keep(reply);
  };
  const { status, body, replayed } =
    endpoint.repeatable === true
      ? await engine.answerRepeatable(keyed, () => work(call), { refusal })
      : await engine.answerOnce(
          keyed,
          (within) =>
            work({ ...call, engine: within.engine, database: { ...call.database, ...within.database } }),
          { refusal },
        );
  const text = body === null ? null : openAnswer(body, seal);
  return storedReply(status, text, replayed ? { 'idempotency-replayed': 'true' } : {});
}

function fingerprintOf({ method, path }: Endpoint, input: Call<Endpoint>['input'], json: unknown): Buffer {
  const call = { method, path, params: input.params, query: input.query ?? {}, body: json ?? {} };
  return createHash('sha256').update(canonical(call)).digest();
}

/** The same text for the same value, in whatever order its fields were written. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  );
}
