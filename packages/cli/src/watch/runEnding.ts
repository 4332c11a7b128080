import type { RunStatus } from '@neolith/contracts';
import { EXIT } from '../output/exitCodes.js';

/** The exit code of a command that saw a run end; null while it goes on. A quarantine needs a person, so it ends the watch. Pure. */
export function exitCodeOfRun(status: RunStatus): number | null {
  switch (status) {
    case 'SUCCEEDED':
      return EXIT.ok;
    case 'FAILED':
      return EXIT.runFailed;
    case 'QUARANTINED':
      return EXIT.runQuarantined;
    case 'CANCELLED':
      return EXIT.runCancelled;
    case 'PENDING':
    case 'RUNNING':
    case 'PAUSED':
      return null;
  }
}

/** Something that a person may do, as a command to be pasted. */
export interface Remedy {
  readonly what: string;
  readonly command: string;
}

/** What a person may do about a run that did not succeed. Pure. */
export function remediesOf(run: { readonly id: string; readonly status: RunStatus }): Remedy[] {
  switch (run.status) {
    case 'FAILED':
      return [
        { what: 'What failed', command: `neolith runs show ${run.id}` },
        { what: 'Give its failed tasks another chance', command: `neolith runs retry ${run.id}` },
      ];
    case 'QUARANTINED':
      return [
        { what: 'What failed', command: `neolith runs show ${run.id}` },
        { what: 'Hand out work again', command: `neolith runs release ${run.id}` },
        {
          what: 'The same, and give its failed tasks another chance',
          command: `neolith runs retry ${run.id}`,
        },
        { what: 'Give it up', command: `neolith runs stop ${run.id}` },
      ];
    case 'CANCELLED':
      return [{ what: 'Everything unfinished afresh', command: `neolith runs reset ${run.id}` }];
    default:
      return [];
  }
}

/** Each command alone on its line: behind words it could not be pasted. Pure. */
export function describeRemedies(remedies: readonly Remedy[]): string[] {
  return remedies.flatMap(({ what, command }) => [`  ${what}:`, `    ${command}`]);
}
