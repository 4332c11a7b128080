import { REDACTED, redactSecrets } from '../process/redactSecrets.js';
import { sanitiseText } from '../process/sanitiseText.js';

/** Whatever stands before the `@` of an address: `https://TOKEN@host` has no colon that would give it away. */
const CREDENTIALS_IN_ADDRESS = /(:\/\/)[^\s/@]{1,1024}@/g;

/** Makes what git says fit to be shown and stored: no control characters, no credentials of a remote, no known secrets. */
export function cleanGitText(text: string, secrets: readonly string[] = []): string {
  return redactSecrets(sanitiseText(text), secrets).replace(CREDENTIALS_IN_ADDRESS, `$1${REDACTED}@`);
}
