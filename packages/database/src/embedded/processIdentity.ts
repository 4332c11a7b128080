import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { errorCode } from '../errors.js';

/** Who left a file behind. */
export interface ProcessIdentity {
  pid: number;
  /** Process ids can be compared only within one machine and one process namespace. */
  processSpace: string;
}

export function processIdentity(): ProcessIdentity {
  return { pid: process.pid, processSpace: processSpace() };
}

/** Whether that process may be alive: false only when it is certain that it isn't. */
export function isLiving({ pid, processSpace: space }: ProcessIdentity): boolean {
  if (space !== processSpace()) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) !== 'ESRCH';
  }
}

function processSpace(): string {
  const machine = hostname();
  return process.platform === 'linux' ? `${machine} ${readlinkSync('/proc/self/ns/pid')}` : machine;
}
