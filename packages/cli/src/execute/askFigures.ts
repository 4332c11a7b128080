import type { NeolithClient } from '@neolith/contracts';
import { type FiguresSource, followFigures, type WorkerLog } from '@neolith/daemon';

/** What the server says of how agents did; where it can't be asked, choices are made without, and the log says so once. */
export function askFigures(client: NeolithClient, log: WorkerLog): FiguresSource {
  return followFigures({
    client,
    onProblem: (error) =>
      log.warn('How agents did can not be asked; they are chosen by what was known before', {
        error: error instanceof Error ? error.message : String(error),
      }),
  });
}
