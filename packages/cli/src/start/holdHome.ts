import { join } from 'node:path';
import { DaemonError, describeDaemonLife, endStrays, holdName } from '@neolith/daemon';

export interface HeldHome {
  readonly life: string;
  letGo(): Promise<void>;
}

/** Of what a killed start left: their work is lost to the lease either way, and somebody waits for the screen. */
const STRAYS_GRACE_MS = 2_000;

/** Under which name the processes of a start are found again. */
export function markerOfStart(home: string): string {
  return `neolith-start ${home}`;
}

/**
 * Makes this process the one that runs the server of `home`, and ends what a killed one before it left running.
 * Null: another process is at it.
 */
export async function holdHome(home: string, tell: (message: string) => void): Promise<HeldHome | null> {
  const marker = markerOfStart(home);
  const life = await describeDaemonLife(marker);
  const letGo = await holdName(join(home, 'start'), 'start', life).catch((error: unknown) => {
    if (error instanceof DaemonError && error.code === 'NAME_IN_USE') return null;
    throw error;
  });
  if (letGo === null) return null;
  try {
    const left = await endStrays(marker, { graceMs: STRAYS_GRACE_MS });
    if (left.signalled > 0) tell(`Ended ${left.signalled} processes that the last start had left running.`);
    return { life, letGo };
  } catch (error) {
    await letGo();
    throw error;
  }
}
