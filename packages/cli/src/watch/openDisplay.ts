import type { EngineEvent, RunProgress } from '@neolith/contracts';
import type { TaskRecord } from '@neolith/daemon';
import { describeFailure } from '../output/describeFailure.js';
import { wrapLine } from '../output/fitLine.js';
import { plainLine, type Terminal } from '../output/terminal.js';
import { describeProgress, formatClock } from './describeProgress.js';
import { drawProgress } from './drawProgress.js';
import { type LiveBlock, openLiveBlock } from './liveBlock.js';
import { exitCodeOfRun } from './runEnding.js';

/** What a command shows while a run goes on: lines redrawn at a terminal, plain lines elsewhere, JSON lines if asked. */
export interface Display {
  /** `records`: what is known of attempts in this process, by task. */
  progress(progress: RunProgress, records?: ReadonlyMap<string, TaskRecord>): void;
  /** Null where nobody would see events. */
  readonly event: ((event: EngineEvent) => void) | null;
  /** What happens to single tasks in this process; null where it is seen otherwise. */
  readonly attempt: ((line: string) => void) | null;
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
    attempt: null,
    event: (event) => terminal.jsonLine({ kind: 'event', event }),
    note: (message) => terminal.jsonLine({ kind: 'note', message }),
    trouble: (error) => terminal.jsonLine({ kind: 'trouble', error: describeFailure(error) }),
    end: () => undefined,
  };
}

function openLiveDisplay(terminal: Terminal, name: string): Display {
  const block: LiveBlock = openLiveBlock(process.stdout);
  let trouble = '';
  let last: Parameters<Display['progress']> | null = null;
  const draw = (): void => {
    if (last === null) return;
    const [progress, records] = last;
    const lines = drawProgress(progress, {
      name: plainLine(name),
      // A line as wide as the terminal would make some of them begin another one.
      columns: terminal.columns() - 1,
      rows: (process.stdout.rows || 24) - 1,
      style: terminal.style,
      ...(records === undefined ? {} : { records }),
    });
    block.draw(lines.map(terminal.draw));
  };
  const note = (line: string): void => {
    for (const part of wrapLine(line, terminal.columns() - 1)) block.print(terminal.draw(part));
  };
  process.stdout.on('resize', draw);
  return {
    progress(...now) {
      trouble = '';
      last = now;
      draw();
    },
    event: null,
    attempt: null,
    note,
    trouble(error) {
      const { code } = describeFailure(error);
      if (code === trouble) return;
      trouble = code;
      note(terminal.style('yellow', `The server does not answer (${code}); still trying.`));
    },
    end() {
      process.stdout.off('resize', draw);
      // How it stood while it went on is not how it ended; what follows tells that.
      if (last !== null && exitCodeOfRun(last[0].status) === null) block.draw([]);
      block.end();
    },
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
    attempt: (line) => terminal.out(`${formatClock(new Date())}  ${line}`),
    note: (line) => terminal.note(line),
    trouble(error) {
      const { code } = describeFailure(error);
      if (code !== trouble) terminal.note(`The server does not answer (${code}); still trying.`);
      trouble = code;
    },
    end: () => undefined,
  };
}
