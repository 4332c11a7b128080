import { createInterface } from 'node:readline/promises';
import { type PlanPriority, planPriorities } from '@neolith/contracts';
import type { PlanReadResult } from '@neolith/daemon';
import { CommandError } from '../output/commandError.js';

const BY_DIGIT: readonly PlanPriority[] = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'];

/** Whether a person should say which priority rows without one have. Pure. */
export function needsPriority(
  read: Pick<PlanReadResult, 'counts'>,
  given: PlanPriority | undefined,
  isConversation: boolean,
): boolean {
  return isConversation && given === undefined && (read.counts.problems.PRIORITY_MISSING ?? 0) > 0;
}

/** The answer to `askMissingPriority`, or null where it is none. Nothing is MEDIUM; 0 to 3 and first letters do. Pure. */
export function readPriorityAnswer(answer: string): PlanPriority | null {
  const text = answer.trim().toUpperCase();
  if (text === '') return 'MEDIUM';
  const digit = /^P?([0-3])$/.exec(text)?.[1];
  if (digit !== undefined) return BY_DIGIT[Number(digit)] ?? null;
  return planPriorities.find((one) => one.startsWith(text)) ?? null;
}

/** Asks at the terminal, on stderr, until there is an answer. Ctrl-D takes MEDIUM; Ctrl-C throws `interrupted`. */
export async function askMissingPriority(rows: number, format: string | null): Promise<PlanPriority> {
  const hint =
    format === 'beads'
      ? ' Exports of beads of late 2025 leave out P0, the most urgent: then say CRITICAL.'
      : '';
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new Promise<null>((resolve) => prompt.once('close', () => resolve(null)));
  // Without a listener Ctrl-C would only close the prompt, as Ctrl-D does, and the import would go on.
  const interrupted = new Promise<never>((_, reject) =>
    prompt.once('SIGINT', () =>
      reject(new CommandError('interrupted', 'INTERRUPTED', 'Interrupted. Nothing was changed.')),
    ),
  );
  try {
    for (;;) {
      const answer = await Promise.race([
        prompt.question(
          `${rows} ${rows === 1 ? 'row has' : 'rows have'} no priority.${hint}\nWhich one shall they have: critical, high, medium or low? [medium] `,
        ),
        closed,
        interrupted,
      ]);
      const priority = answer === null ? 'MEDIUM' : readPriorityAnswer(answer);
      if (priority !== null) return priority;
    }
  } finally {
    prompt.close();
  }
}
