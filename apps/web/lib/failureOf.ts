import type { FailureClass } from '@neolith/contracts';
import type { AttemptJson } from './wire';

const WHOSE: Record<FailureClass, string> = {
  task: '',
  agent: 'The agent: ',
  provider: 'The provider: ',
  infrastructure: 'The infrastructure: ',
};

/** Whose fault a failure was, to be read before its error; nothing where it was the work itself. */
export function failureOf(attempt: Pick<AttemptJson, 'failureClass'>): string {
  return attempt.failureClass === null ? '' : WHOSE[attempt.failureClass];
}
