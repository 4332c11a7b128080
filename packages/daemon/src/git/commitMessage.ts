import { sanitiseText } from '../process/sanitiseText.js';

/** Whose work a commit is. */
export interface CommitFacts {
  readonly taskId: string;
  readonly attemptId: string;
  readonly runId: string | null;
  /** The agent's name. */
  readonly agent: string;
  /** Of the task: text from outside. */
  readonly title: string;
}

export const TRAILERS = {
  task: 'Neolith-Task',
  attempt: 'Neolith-Attempt',
  run: 'Neolith-Run',
  agent: 'Neolith-Agent',
  /** The tip of the attempt's branch that a commit stands for, where it had to be written anew. */
  source: 'Neolith-Source',
  /** The attempt whose result was used again. */
  reusedFrom: 'Neolith-Reused-From',
} as const;

const SUBJECT_CHARS_MAX = 72;

/**
 * The first line for a task's commit: its title on one line, shortened, without control and direction characters, and
 * without a beginning that git takes for more than words (`-`, `#`, `fixup!`).
 */
export function writeSubject(facts: Pick<CommitFacts, 'taskId' | 'title'>): string {
  const line = sanitiseText(facts.title.slice(0, 4_000))
    // Marks that turn the direction of text or can't be seen would show another subject than there is.
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/\s+/gu, ' ')
    .replace(/^[\s#-]+/u, '')
    .replace(/^(fixup|squash|amend)!/iu, '$1:')
    .trim();
  if (line === '') return `Task ${facts.taskId}`;
  const letters = [...line];
  if (letters.length <= SUBJECT_CHARS_MAX) return line;
  return `${letters
    .slice(0, SUBJECT_CHARS_MAX - 1)
    .join('')
    .trimEnd()}…`;
}

/** Subject, an empty line, and the trailers: nothing of a task can stand in their paragraph. */
export function writeCommitMessage(
  subject: string,
  facts: CommitFacts,
  further: Readonly<Record<string, string>> = {},
): string {
  return `${subject}\n\n${writeTrailers(facts, further)}`;
}

export function writeTrailers(facts: CommitFacts, further: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries({
    [TRAILERS.task]: facts.taskId,
    [TRAILERS.attempt]: facts.attemptId,
    ...(facts.runId === null ? {} : { [TRAILERS.run]: facts.runId }),
    [TRAILERS.agent]: facts.agent,
    ...further,
  });
  return `${lines.map(([name, value]) => `${name}: ${oneWord(value)}`).join('\n')}\n`;
}

function oneWord(value: string): string {
  return value.replace(/[^\w.@:/-]+/g, '_').slice(0, 200) || '-';
}
