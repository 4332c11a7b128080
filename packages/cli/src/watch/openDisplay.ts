import type { EngineEvent, RunProgress } from '@neolith/contracts';
import type { TaskRecord } from '@neolith/daemon';
import { describeFailure } from '../output/describeFailure.js';
import { plainLine, type Terminal } from '../output/terminal.js';
import { describeProgress, drawProgress } from './drawProgress.js';
import { type LiveBlock, openLiveBlock } from './liveBlock.js';

/** What a command shows while a run goes on: lines redrawn at a terminal, plain lines elsewhere, JSON lines if asked. */
export interface Display {
  /** `records`: what is known of attempts in this process, by task. */
  progress(progress: RunProgress, records?: ReadonlyMap<string, TaskRecord>): void;
  /** Null where nobody would see events. */
  readonly event: ((event: EngineEvent) => void) | null;
  /** A line beside the progress. */
  note(line: string): void;
  trouble(error: unknown): void;
  end(): void;
}

export interface DisplayOptions {
  readonly name: string;
  readonly json: boolean;
}

/** Between two plain lines, milliseconds, unless the status changes. */
const PLAIN_INTERVAL_MS = 5_000;

export function openDisplay(terminal: Terminal, { name, json }: DisplayOptions): Display {
  const isLive = !json && terminal.isTerminal && process.env.TERM !== 'dumb';
  if (json) return openJsonDisplay(terminal);
  return isLive ? openLiveDisplay(terminal, name) : openPlainDisplay(terminal);
}

/** One JSON object a line: `progress` where it changed, `event` for each event of the run, `note` for the rest. */
function openJsonDisplay(terminal: Terminal): Display {
  let last = '';
  return {
    progress(progress) {
      const { at: _at, eta: _eta, ...rest } = progress;
      const now = JSON.stringify(rest);
      if (now === last) return;
      last = now;
      terminal.jsonLine({ kind: 'progress', progress });
    },
    event: (event) => terminal.jsonLine({ kind: 'event', event }),
    note: (message) => terminal.jsonLine({ kind: 'note', message }),
    trouble: (error) => terminal.jsonLine({ kind: 'trouble', error: describeFailure(error) }),
    end: () => undefined,
  };
}

function openLiveDisplay(terminal: Terminal, name: string): Display {
  const block: LiveBlock = openLiveBlock(process.stdout);
  let trouble = '';
  return {
    progress(progress, records) {
      trouble = '';
      // Some pseudo-terminals have a size of nothing.
      const columns = process.stdout.columns || 80;
      const rows = process.stdout.rows || 24;
      block.draw(
        drawProgress(progress, {
          name,
          columns: columns - 1,
          rows: rows - 1,
          style: terminal.style,
          ...(records === undefined ? {} : { records }),
        }),
      );
    },
    event: null,
    note: (line) => block.print(line),
    trouble(error) {
      const { code } = describeFailure(error);
      if (code === trouble) return;
      trouble = code;
      block.print(terminal.style('yellow', `The server does not answer (${code}); still trying.`));
    },
    end: () => block.end(),
  };
}

function openPlainDisplay(terminal: Terminal): Display {
  let last = '';
  let lastStatus = '';
  let lastMs = Number.NEGATIVE_INFINITY;
  let trouble = '';
  return {
    progress(progress) {
      trouble = '';
      const now = JSON.stringify([progress.status, progress.counts]);
      const nowMs = performance.now();
      if (now === last || (progress.status === lastStatus && nowMs - lastMs < PLAIN_INTERVAL_MS)) return;
      last = now;
      lastStatus = progress.status;
      lastMs = nowMs;
      terminal.out(describeProgress(progress));
      const isIdle = progress.counts.inProgress + progress.counts.merging === 0;
      if (isIdle)
        for (const reason of progress.waitingFor) terminal.out(`          waits: ${plainLine(reason)}`);
    },
    event: null,
    note: (line) => terminal.note(line),
    trouble(error) {
      const { code } = describeFailure(error);
      if (code !== trouble) terminal.note(`The server does not answer (${code}); still trying.`);
      trouble = code;
    },
    end: () => undefined,
  };
}
