import type { WorkerLog } from '@neolith/daemon';
import { plainLine, type Terminal } from '../output/terminal.js';
import type { Display } from '../watch/openDisplay.js';

/** The daemon's log goes to its file; of what is wrong the watcher hears as well. What becomes of tasks is told elsewhere. */
export function tellTrouble(
  log: WorkerLog,
  display: Pick<Display, 'note'>,
  terminal: Pick<Terminal, 'style'>,
  options: { readonly json?: true; readonly verbose?: true },
): WorkerLog {
  const tell = (style: 'yellow' | 'red' | 'dim', message: string, error: unknown): void => {
    const why = typeof error === 'string' && error !== '' ? `: ${plainLine(error)}` : '';
    const line = `${plainLine(message)}${why}`;
    display.note(options.json ? line : terminal.style(style, line));
  };
  return {
    debug: log.debug,
    info(message, fields) {
      log.info(message, fields);
      if (options.verbose) tell('dim', message, null);
    },
    warn(message, fields) {
      log.warn(message, fields);
      tell('yellow', message, fields?.error);
    },
    error(message, fields) {
      log.error(message, fields);
      tell('red', message, fields?.error);
    },
  };
}
