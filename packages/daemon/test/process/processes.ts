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

/** Long beyond doubt: it ends a test that fails anyway, and must not end one on a machine that is slow. */
export const IN_VAIN_MS = 120_000;

/** Polls until `condition` holds; throws with `what` after two minutes. */
export async function waitFor(condition: () => boolean, what: string): Promise<void> {
  const giveUpAt = performance.now() + IN_VAIN_MS;
  while (!condition()) {
    if (performance.now() > giveUpAt) throw new Error(`Waited ${IN_VAIN_MS} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The pids that the fixtures print as `child HOW PID`. */
export function readPids(text: string): number[] {
  return [...text.matchAll(/^(?:child [\w-]+|holder) (\d+)$/gm)].map((match) => Number(match[1]));
}
