import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessEntry } from './processEntry.js';
import { processKey } from './selectTree.js';

export interface MemberScan {
  /** Members alive now. */
  readonly alive: readonly ProcessEntry[];
  /** False when one may have been overlooked; see `ProcessTable.complete`. */
  readonly complete: boolean;
}

export interface EndingOptions {
  /** A group whose members are all ours, so that one signal reaches them before they can fork. */
  readonly groupId: number | null;
  /** Milliseconds of `performance.now()`; asked again each time, since it may be brought forward. */
  readonly killAt: () => number;
}

export interface EndingReport {
  /** How many were alive and got a signal. */
  readonly signalled: number;
  readonly survivors: readonly number[];
}

/** Between two looks at the table. */
const POLL_MS_MIN = 10;
const POLL_MS_MAX = 150;
const KILL_POLL_MS = 20;
/** A process that KILL doesn't end sleeps in the kernel or isn't ours to end; waiting longer won't help. */
const GIVE_UP_AFTER_KILL_MS = 30_000;

/**
 * TERM to every member once, KILL from `killAt` on, until no member is alive. New members are looked for all
 * the while, since a tree may still fork.
 */
export async function endProcesses(
  scan: () => Promise<MemberScan>,
  options: EndingOptions,
): Promise<EndingReport> {
  const termed = new Set<string>();
  let groupTermed = false;
  let emptyScans = 0;
  let pollMs = POLL_MS_MIN;
  for (;;) {
    const { alive, complete } = await scan();
    if (alive.length === 0) {
      emptyScans += 1;
      if (complete || emptyScans >= 2) return { signalled: termed.size, survivors: [] };
      continue;
    }
    emptyScans = 0;
    const now = performance.now();
    const remainingMs = options.killAt() - now;
    if (remainingMs < -GIVE_UP_AFTER_KILL_MS) {
      return { signalled: termed.size, survivors: alive.map((entry) => entry.pid) };
    }
    if (remainingMs <= 0) {
      signalAll(alive, 'SIGKILL', options.groupId);
      for (const entry of alive) termed.add(processKey(entry));
      await sleep(KILL_POLL_MS);
      continue;
    }
    const fresh = alive.filter((entry) => !termed.has(processKey(entry)));
    // To the group once: a second TERM is taken as "at once" by many. Who joins it later gets its own.
    const groupId = groupTermed ? null : options.groupId;
    groupTermed ||= fresh.some((entry) => entry.groupId === groupId);
    signalAll(fresh, 'SIGTERM', groupId);
    // A stopped process only sees its TERM when it goes on.
    signalAll(fresh, 'SIGCONT', groupId);
    for (const entry of fresh) termed.add(processKey(entry));
    await sleep(Math.min(pollMs, Math.max(1, remainingMs)));
    pollMs = Math.min(POLL_MS_MAX, pollMs * 1.5);
  }
}

function signalAll(entries: readonly ProcessEntry[], signal: NodeJS.Signals, groupId: number | null): void {
  if (groupId !== null && entries.some((entry) => entry.groupId === groupId)) send(-groupId, signal);
  for (const entry of entries) {
    if (entry.groupId !== groupId) send(entry.pid, signal);
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // Gone meanwhile, or not ours to end: the next look at the table tells which.
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}
