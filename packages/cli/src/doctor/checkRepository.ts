import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasGitCode, openRepository, type Repository, readGitVersion } from '@neolith/daemon';
import { plainLine } from '../output/terminal.js';
import type { Check, Finding } from './finding.js';

export const checkGit: Check = {
  check: 'git',
  look: async () => {
    try {
      return [{ check: 'git', status: 'ok', detail: `git ${await readGitVersion(process.env)}` }];
    } catch (error) {
      return [{ check: 'git', status: 'failure', detail: (error as Error).message }];
    }
  },
};

/** Whether agents can work in the repository that a directory lies in. */
export function checkRepository(directory: string, home: string): Check {
  return {
    check: 'repository',
    look: async () => {
      try {
        const repository = await openRepository({
          path: directory,
          worktreesDirectory: join(home, 'worktrees'),
          lookOnly: true,
          environment: process.env,
        });
        const detail = `agents can work in the repository ${repository.path}`;
        return [{ check: 'repository', status: 'ok', detail }, ...(await findLocks(repository))];
      } catch (error) {
        // The check of git says it.
        if (hasGitCode(error, 'GIT_NOT_FOUND') || hasGitCode(error, 'GIT_TOO_OLD')) return [];
        if (!hasGitCode(error, 'NOT_A_REPOSITORY'))
          return [{ check: 'repository', status: 'failure', detail: plainLine((error as Error).message) }];
        return [
          {
            check: 'repository',
            status: 'warning',
            detail: `${directory} lies in no git repository`,
            remedy: 'Agents that edit code need one: go there, or name it by --repo-path PATH.',
          },
        ];
      }
    },
  };
}

/** git takes them away itself, unless it was killed; then whoever comes next is refused. */
const LOCK_FILES = ['index.lock', 'HEAD.lock', 'packed-refs.lock', 'config.lock', 'shallow.lock'];
/** No command of git holds one for so long. */
const LOCK_STALE_MS = 10 * 60_000;

async function findLocks({ gitDirectory }: Repository): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const name of LOCK_FILES) {
    const path = join(gitDirectory, name);
    if (!existsSync(path)) continue;
    const ageMs = Date.now() - (await stat(path)).mtimeMs;
    findings.push({
      check: 'lock',
      status: 'warning',
      detail:
        ageMs > LOCK_STALE_MS
          ? `${path} is ${Math.round(ageMs / 60_000)} min old: a git command was killed there, it seems`
          : `${path} is there: a git command is at work, or was killed`,
      remedy: `If no git command runs in it, remove it: rm '${path}'`,
    });
  }
  return findings;
}
