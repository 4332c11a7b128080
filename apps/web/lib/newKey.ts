/** A key for one press of a button; also where a page came over plain HTTP, which has no randomUUID. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `press-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
