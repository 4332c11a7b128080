import { execFile } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { promisify } from 'node:util';
import { ATTEMPT_MARKER } from '../process/processSpec.js';
import { readMarkers, readProcessTable } from '../process/processTable.js';
import { isInside } from './isInside.js';

const execFileAsync = promisify(execFile);

/**
 * The processes that work in a directory or below, by their working directory. Of other users' processes only root
 * learns it; they can't enter a worktree of ours anyway.
 */
export async function findProcessesIn(directory: string): Promise<number[]> {
  const found = process.platform === 'linux' ? readLinuxDirectories() : await readLsofDirectories();
  return found.filter(({ path }) => isInside(path, directory)).map(({ pid }) => pid);
}

/** The processes that were started for an attempt, wherever they have gone to. */
export async function findProcessesOf(attemptId: string): Promise<number[]> {
  const { entries } = await readProcessTable();
  const alive = entries.filter((entry) => !entry.ended).map((entry) => entry.pid);
  const markers = await readMarkers(alive, ATTEMPT_MARKER);
  return [...markers].filter(([, value]) => value === attemptId).map(([pid]) => pid);
}

interface PlacedProcess {
  readonly pid: number;
  readonly path: string;
}

function readLinuxDirectories(): PlacedProcess[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      return [{ pid: Number(name), path: readlinkSync(`/proc/${name}/cwd`) }];
    } catch {
      // It ended meanwhile, or belongs to somebody else.
      return [];
    }
  });
}

/** Records of lines `pPID`, `fcwd`, `nPATH`. */
async function readLsofDirectories(): Promise<PlacedProcess[]> {
  const { stdout } = await execFileAsync('lsof', ['-w', '-n', '-P', '-d', 'cwd', '-F', 'pn'], {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    maxBuffer: 64 * 1024 * 1024,
    // It exits with 1 where a process would not let it look.
  }).catch((error: { stdout?: string }) => {
    if (typeof error.stdout === 'string' && error.stdout !== '') return { stdout: error.stdout };
    throw error;
  });
  const found: PlacedProcess[] = [];
  let pid = 0;
  for (const line of stdout.split('\n')) {
    if (line.startsWith('p')) pid = Number(line.slice(1));
    if (line.startsWith('n')) found.push({ pid, path: line.slice(1) });
  }
  return found;
}
