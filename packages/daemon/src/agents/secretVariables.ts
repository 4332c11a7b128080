import { SECRET_LENGTH_MIN } from '../process/redactSecrets.js';

/**
 * By its name alone one can tell; the value of `ANTHROPIC_MODEL` must stay readable. By whole words: `GIT_AUTHOR_NAME` is no
 * authorization, and tokens are counted (`MAX_OUTPUT_TOKENS`) as often as they let somebody in.
 */
const SECRET_NAME =
  /(?:^|_)(?:AUTH|AUTHORIZATION|PASS|PAT|PWD)(?:_|$)|(?:KEYS?|TOKEN|SECRETS?|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|COOKIES?|HEADERS?)(?:_|$)|CONFIG_CONTENT$/i;
/** Where something lies, and no secret itself: `SSH_AUTH_SOCK`, `TOKEN_FILE`, `PWD`. */
const PLACE_NAME = /_(?:DIR|FILE|PATH|SOCK)$|^(?:OLD)?PWD$/i;

/** The values of variables that are secret, as their names say: switches, numbers and very short ones are none. Pure. */
export function listSecretValues(environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment)
    .filter(([name, value]) => SECRET_NAME.test(name) && !PLACE_NAME.test(name) && mayBeSecret(value))
    .map(([, value]) => value);
}

function mayBeSecret(value: string): boolean {
  const text = value.trim();
  return text.length >= SECRET_LENGTH_MIN && !/^\d+$/.test(text);
}
