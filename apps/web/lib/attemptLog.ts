import type { LogStream } from '@neolith/contracts';
import { plural } from './formatNumber';
import type { LogPageJson } from './wire';

/** So many lines a page holds of a log: what comes later pushes the earliest out. */
export const LINES_KEPT = 2_000;
/** Asked for first: one more tells whether there are earlier ones. */
export const TAIL_LINES = LINES_KEPT + 1;
// A line may be 256 KiB long, and a reader's browser is to stay quick.
const LINE_CHARACTERS = 4_000;

/** `gap`: not printed by the agent, but says what is missing here. */
export interface LogLine {
  /** Rises from line to line. */
  key: number;
  kind: LogStream | 'gap';
  text: string;
}

/** The end of an attempt's log, as far as it was read. */
export interface AttemptLog {
  lines: readonly LogLine[];
  /** There are lines before these. */
  cut: boolean;
  /** Bytes that were dropped on the way, before or between these lines. */
  droppedBytes: number;
  /** `reading`: not read yet. `following`: more may come. `complete`: nothing more will. */
  state: 'reading' | 'following' | 'complete';
  nextKey: number;
}

export const UNREAD_LOG: AttemptLog = {
  lines: [],
  cut: false,
  droppedBytes: 0,
  state: 'reading',
  nextKey: 0,
};

/** The log with one page more, and without what is too early by then. Pure. */
export function addLogPage(log: AttemptLog, page: LogPageJson): AttemptLog {
  let { nextKey } = log;
  const added: LogLine[] = [];
  const add = (kind: LogLine['kind'], text: string) => {
    added.push({ key: nextKey, kind, text });
    nextKey += 1;
  };
  for (const { droppedBytes, entries } of page.chunks) {
    if (droppedBytes > 0) add('gap', `… ${plural(droppedBytes, 'byte')} dropped …`);
    for (const { stream, text } of entries) {
      for (const line of text.split('\n')) add(stream, shorten(line));
    }
  }
  const all = added.length === 0 ? log.lines : [...log.lines, ...added];
  return {
    lines: all.length > LINES_KEPT ? all.slice(-LINES_KEPT) : all,
    cut: log.cut || all.length > LINES_KEPT,
    droppedBytes: page.droppedBytes,
    state: page.more ? log.state : page.complete ? 'complete' : 'following',
    nextKey,
  };
}

function shorten(line: string): string {
  if (line.length <= LINE_CHARACTERS) return line;
  return `${line.slice(0, LINE_CHARACTERS)} … (${plural(line.length - LINE_CHARACTERS, 'more character')})`;
}
