import { redactSecrets } from '../process/redactSecrets.js';
import { describeError } from './judgeCallError.js';

/** Takes secrets out of what is said of an agent's work by others: names of files, for one. What it says itself comes clean. */
export interface SecretCleaner {
  clean(text: string): string;
  /** As `describeError`. */
  explain(error: unknown): { readonly code: string; readonly error: string };
}

/** @param secrets asked for each time: an agent's own are known once it was started */
export function createSecretCleaner(secrets: () => readonly string[]): SecretCleaner {
  const clean = (text: string): string => redactSecrets(text, secrets());
  return {
    clean,
    explain(error) {
      const { code, error: message } = describeError(error);
      return { code, error: clean(message) };
    },
  };
}
