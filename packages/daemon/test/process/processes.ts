import { execFileSync } from 'node:child_process';

/** Whether a process runs; a zombie does not. Asks `ps`, so that our own reading of the table is checked too. */
export function isAlive(pid: number): boolean {
  try {
    const state = execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return state !== '' && !state.startsWith('Z');
  } catch {
    // `ps` exits with 1 when there is no such process.
    return false;
  }
}

/** Polls until `condition` holds; throws with `what` after the deadline. */
export async function waitFor(condition: () => boolean, what: string, deadlineMs = 10_000): Promise<void> {
  const giveUpAt = performance.now() + deadlineMs;
  while (!condition()) {
    if (performance.now() > giveUpAt) throw new Error(`Waited ${deadlineMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The pids that the fixtures print as `child HOW PID`. */
export function readPids(text: string): number[] {
  return [...text.matchAll(/^(?:child [\w-]+|holder) (\d+)$/gm)].map((match) => Number(match[1]));
}
