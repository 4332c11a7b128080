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

/** What a person may do about a run that did not succeed, as commands. Pure. */
export function remediesOf(run: { readonly id: string; readonly status: RunStatus }): string[] {
  switch (run.status) {
    case 'FAILED':
      return [
        `neolith runs show ${run.id}         what failed`,
        `neolith runs retry ${run.id}        its failed tasks get another chance`,
      ];
    case 'QUARANTINED':
      return [
        `neolith runs show ${run.id}         what failed`,
        `neolith runs release ${run.id}      hand out work again`,
        `neolith runs stop ${run.id}         give it up`,
      ];
    case 'CANCELLED':
      return [`neolith runs reset ${run.id}        everything unfinished afresh`];
    default:
      return [];
  }
}
