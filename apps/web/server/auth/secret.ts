import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { v7 as newUuid } from 'uuid';

const SHAPE = /^neo_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;

export interface Secret {
  /** The bare UUID of the row that holds the hash. */
  id: string;
  /** SHA-256 of the whole text: with 256 random bits in it there is nothing to guess, so a slow hash adds nothing. */
  hash: Buffer;
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** A new secret, `neo_<uuid>_<32 random bytes as base64url>`. The text is shown once; only the hash is stored. */
export function issueSecret(): Secret & { text: string } {
  const id = newUuid();
  const text = `neo_${id}_${randomBytes(32).toString('base64url')}`;
  return { id, hash: hashOf(text), text };
}

/** Null where the text is no secret of ours; such a text costs no look into the database. */
export function parseSecret(text: string): Secret | null {
  const id = SHAPE.exec(text)?.[1];
  return id === undefined ? null : { id, hash: hashOf(text) };
}

/** In a time that does not tell how much of it agreed. */
export function sameHash(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
