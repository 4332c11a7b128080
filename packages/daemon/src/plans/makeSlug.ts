/** Lower-case letters and digits of any script, words joined by `-`; empty when there are none. */
export function makeSlug(text: string): string {
  return text
    .normalize('NFC')
    .toLowerCase()
    .replace(/['’]|\uFE0E|\uFE0F|\u200D/g, '')
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, '-')
    .replace(/^-|-$/g, '');
}
