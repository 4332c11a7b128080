import { join } from 'node:path';
import { hasGitCode, openRepository } from '@neolith/daemon';
import { neolithHome } from '@neolith/database';
import type { Check } from './finding.js';

/** Whether agents can work in the repository that a directory lies in. */
export function checkRepository(directory: string): Check {
  return {
    check: 'git',
    look: async () => {
      try {
        const { path } = await openRepository({
          path: directory,
          worktreesDirectory: join(neolithHome(), 'worktrees'),
          lookOnly: true,
          environment: process.env,
        });
        return [{ check: 'git', status: 'ok', detail: `agents can work in the repository ${path}` }];
      } catch (error) {
        const isNone = hasGitCode(error, 'NOT_A_REPOSITORY');
        return [
          {
            check: 'git',
            status: isNone ? 'warning' : 'failure',
            detail: (error as Error).message,
            ...(isNone
              ? { remedy: 'Agents that edit code need one: go there, or name it by --repo-path.' }
              : {}),
          },
        ];
      }
    },
  };
}
