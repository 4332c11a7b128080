import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findStrays } from '@neolith/daemon';
import { markerOfStart } from '../start/holdHome.js';
import type { Check } from './finding.js';

/** Processes that a killed daemon, or a killed server, left running. */
export function checkStrays(home: string): Check {
  return {
    check: 'strays',
    look: async () => {
      const strays = new Set<number>();
      for (const marker of await listMarkers(home)) {
        for (const { pid } of await findStrays(marker)) strays.add(pid);
      }
      if (strays.size === 0)
        return [{ check: 'strays', status: 'ok', detail: 'no process of a daemon that was killed' }];
      const pids = [...strays].sort((a, b) => a - b).join(', ');
      return [
        {
          check: 'strays',
          status: 'warning',
          detail: `${strays.size} processes outlive the daemon that started them: ${pids}`,
          remedy: 'The next start of that daemon ends them, as does `neolith cleanup`.',
        },
      ];
    },
  };
}

/** Under which names daemons of this machine marked what they started. */
export async function listMarkers(home: string): Promise<string[]> {
  const entries = await readdir(join(home, 'attempts'), { withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    },
  );
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => decodeURIComponent(name));
  return [...names, markerOfStart(home)];
}
