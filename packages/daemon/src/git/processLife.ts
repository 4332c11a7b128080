import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { describeDaemonLife, isLifeOver } from '../process/strays.js';

/** Names one process for good, for others to tell whether it is alive. */
export interface ProcessLife {
  /** Where its pid means something: the machine since its boot, and the container. */
  readonly place: string;
  readonly life: string;
}

let own: Promise<ProcessLife> | null = null;

/** Of this process. */
export function describeOwnLife(): Promise<ProcessLife> {
  own ??= describeDaemonLife('git').then((life) => ({ place: describePlace(), life }));
  return own;
}

/** `unknown`: it runs, or ran, where we can't look. */
export async function judgeLife(life: ProcessLife): Promise<'alive' | 'over' | 'unknown'> {
  if (life.place !== describePlace()) return 'unknown';
  return (await isLifeOver(life.life)) ? 'over' : 'alive';
}

function describePlace(): string {
  return [
    hostname(),
    readOr(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    readOr(() => readlinkSync('/proc/self/ns/pid')),
  ].join(' ');
}

function readOr(read: () => string): string {
  try {
    return read();
  } catch {
    // Not on Linux, where the start of a process is a date and tells boots apart by itself.
    return '';
  }
}
