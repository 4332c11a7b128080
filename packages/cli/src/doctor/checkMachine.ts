import { constants, existsSync } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { prepareHome } from '../start/home.js';
import type { Check } from './finding.js';

const NODE_MAJOR_MIN = 20;
const NODE_MINOR_MIN = 19;
const GIB = 1024 ** 3;
/** Worktrees, logs and the database want room; below the lower one they soon fail. */
const FREE_WARNING_BYTES = 5 * GIB;
const FREE_FAILURE_BYTES = GIB / 2;

export const checkNode: Check = {
  check: 'node',
  look: async () => {
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
    const isNewEnough = major > NODE_MAJOR_MIN || (major === NODE_MAJOR_MIN && minor >= NODE_MINOR_MIN);
    const detail = `Node ${process.versions.node} on ${process.platform} ${process.arch}`;
    return isNewEnough
      ? [{ check: 'node', status: 'ok', detail }]
      : [
          {
            check: 'node',
            status: 'failure',
            detail,
            remedy: `Install Node ${NODE_MAJOR_MIN}.${NODE_MINOR_MIN} or newer.`,
          },
        ];
  },
};

export function checkHome(home: string): Check {
  return {
    check: 'home',
    look: async () => {
      const remedy = 'Make it writable, or set NEOLITH_HOME to another directory.';
      try {
        if (existsSync(home)) {
          await prepareHome(home);
          return [{ check: 'home', status: 'ok', detail: `${home} can be written` }];
        }
        // Looking makes nothing.
        await access(nearestThere(home), constants.W_OK);
        return [{ check: 'home', status: 'ok', detail: `${home} will be made when it is needed` }];
      } catch (error) {
        return [{ check: 'home', status: 'failure', detail: (error as Error).message, remedy }];
      }
    },
  };
}

function nearestThere(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestThere(dirname(path));
}

export function checkDisk(home: string): Check {
  return {
    check: 'disk',
    look: async () => {
      const { bavail, bsize } = await statfs(nearestThere(home));
      const free = bavail * bsize;
      const detail = `${(free / GIB).toFixed(1)} GiB free for ${home}`;
      if (free >= FREE_WARNING_BYTES) return [{ check: 'disk', status: 'ok', detail }];
      return [
        {
          check: 'disk',
          status: free >= FREE_FAILURE_BYTES ? 'warning' : 'failure',
          detail,
          remedy:
            'Make room: `neolith cleanup` removes worktrees that are merged, and lists those that are not.',
        },
      ];
    },
  };
}
