import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/** What an answer is encrypted with: the caller's token, of which only a hash is stored, and the key of the call. */
export interface Seal {
  secret: string;
  key: string;
}

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

function cipherKey({ secret, key }: Seal): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, key, 'neolith idempotency answer', 32));
}

/**
 * An answer as it is stored. One that holds a new secret is encrypted: else whoever reads the database, or a backup of it,
 * could use it. Only the caller can have it again, for only the caller has the token that opens it.
 */
export function sealAnswer(text: string, seal: Seal | null): Buffer {
  if (seal === null) return Buffer.from(text);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, cipherKey(seal), nonce);
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
}

/** The text of an answer that was stored. */
export function openAnswer(stored: Uint8Array, seal: Seal | null): string {
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  if (seal === null) return bytes.toString();
  const decipher = createDecipheriv(CIPHER, cipherKey(seal), bytes.subarray(0, NONCE_BYTES));
  decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  const text = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
  return text.toString();
}
