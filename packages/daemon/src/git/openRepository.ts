import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { askGit, askGitText, readCommit } from './askGit.js';
import { buildGitEnvironment } from './gitEnvironment.js';
import { GitError } from './gitError.js';
import { isInside } from './isInside.js';
import { listWorktrees } from './listWorktrees.js';
import { preparePrivateDirectory } from './privateDirectory.js';
import { readPrograms } from './readPrograms.js';
import type { GitIdentity, Repository } from './repository.js';
import { runGit } from './runGit.js';

export interface OpenRepositoryInput {
  /** Anywhere inside the repository. */
  readonly path: string;
  /** For the worktrees of all repositories: each gets a directory of its own in it. Made (0700) when absent. */
  readonly worktreesDirectory: string;
  /** True: only to look at it. No directory is made, nor is it checked whether that one could be. Default false. */
  readonly lookOnly?: boolean;
  /** The daemon's; git gets a few variables of it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Who commits. Default: who git is configured for; without a name or address there, Neolith. */
  readonly identity?: GitIdentity;
}

/** `merge-tree --write-tree` came with it. */
const VERSION_MIN = [2, 38] as const;
const FALLBACK_IDENTITY: GitIdentity = { name: 'Neolith', email: 'neolith@localhost' };

/**
 * Checks that agents can work in a repository, and where their worktrees are to lie.
 * @throws GitError with the remedy: git missing or too old, no repository, bare, without a commit, or a directory for
 *   worktrees that is not ours alone or lies in the repository.
 */
export async function openRepository(input: OpenRepositoryInput): Promise<Repository> {
  const environment = buildGitEnvironment(input.environment);
  const path = await resolvePath(input.path);
  await checkVersion(path, environment);
  const place = { path, environment };
  if ((await askGitText(place, ['rev-parse', '--is-bare-repository'])) !== 'false') {
    throw new GitError(
      'REPOSITORY_BARE',
      `${path} is in a bare repository, where agents have nothing to work on. Give a directory of a checkout of it.`,
    );
  }
  if (!(await isInWorkTree(place))) {
    throw new GitError(
      'NOT_A_REPOSITORY',
      `${path} lies in the git directory itself. Give the directory of the checkout.`,
    );
  }
  const openedPath = await realpath(await askGitText(place, ['rev-parse', '--show-toplevel']));
  const main = (await listWorktrees(place))[0];
  if (main === undefined || main.bare) {
    throw new GitError(
      'REPOSITORY_BARE',
      `${path} is a worktree of a bare repository, which is not supported. Give a clone with a checkout of its own.`,
    );
  }
  if ((await readCommit(place, 'HEAD')) === null) {
    throw new GitError(
      'REPOSITORY_EMPTY',
      `${openedPath} has no commit to begin at. Make one, for example: git commit --allow-empty -m "Begin"`,
    );
  }
  const top = await realpath(main.path);
  const common = await realpath(
    await askGitText(place, ['rev-parse', '--path-format=absolute', '--git-common-dir']),
  );
  const key = `${cleanName(basename(top))}-${createHash('sha256').update(common).digest('hex').slice(0, 12)}`;
  const worktreesDirectory = await placeWorktrees(
    resolve(input.worktreesDirectory),
    key,
    [top, openedPath, common],
    input.lookOnly === true ? null : (path) => preparePrivateDirectory(path, 'The directory for worktrees'),
  );
  return {
    path: top,
    openedPath,
    gitDirectory: common,
    worktreesDirectory,
    cacheDirectory: join(dirname(dirname(worktreesDirectory)), 'cache', key),
    environment,
    identity: input.identity ?? (await findIdentity(place)),
    programs: await readPrograms({ path: top, environment, gitDirectory: common }, null),
  };
}

async function resolvePath(path: string): Promise<string> {
  try {
    return await realpath(resolve(path));
  } catch (cause) {
    throw new GitError(
      'NOT_A_REPOSITORY',
      `${path} can't be entered: ${(cause as Error).message}. Give a directory inside a git repository.`,
      { cause },
    );
  }
}

/**
 * The version of the git command that would be used, such as `2.39.5`.
 * @throws GitError `GIT_NOT_FOUND`, `GIT_TOO_OLD`
 */
export async function readGitVersion(host: OpenRepositoryInput['environment']): Promise<string> {
  return checkVersion(process.cwd(), buildGitEnvironment(host));
}

async function checkVersion(cwd: string, environment: Readonly<Record<string, string>>): Promise<string> {
  const { stdout } = await runGit({ cwd, environment, args: ['version'] });
  const said = stdout.toString('utf8').trim();
  const [version = '', major = '0', minor = '0'] = /(\d+)\.(\d+)[\d.]*/.exec(said) ?? [];
  const [wantedMajor, wantedMinor] = VERSION_MIN;
  if (Number(major) > wantedMajor || (Number(major) === wantedMajor && Number(minor) >= wantedMinor))
    return version;
  throw new GitError(
    'GIT_TOO_OLD',
    `${said || 'This git'} can't test a merge beforehand. Install git ${VERSION_MIN.join('.')} or newer.`,
  );
}

async function isInWorkTree(place: Pick<Repository, 'path' | 'environment'>): Promise<boolean> {
  return (await askGitText(place, ['rev-parse', '--is-inside-work-tree'])) === 'true';
}

/** The worktrees must not show up as untracked files of the repository, nor the repository as one of theirs. */
async function placeWorktrees(
  root: string,
  key: string,
  places: readonly string[],
  prepare: ((path: string) => Promise<string>) | null,
): Promise<string> {
  // Before anything is made: its nearest part that is there already shows where it really lies.
  const planned = await realpathOfNearest(root);
  const realRoot =
    prepare === null || places.some((place) => isInside(planned, place)) ? planned : await prepare(root);
  for (const place of places) {
    if (isInside(realRoot, place) || isInside(place, join(realRoot, key))) {
      throw new GitError(
        'DIRECTORY_UNUSABLE',
        `The directory for worktrees ${root} and the repository ${place} lie in one another. Choose a directory outside of the repository.`,
      );
    }
  }
  return prepare === null ? join(realRoot, key) : prepare(join(realRoot, key));
}

async function realpathOfNearest(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) return path;
    return join(await realpathOfNearest(dirname(path)), basename(path));
  }
}

function cleanName(name: string): string {
  return name.replace(/[^A-Za-z0-9_-]+/g, '-').slice(0, 40) || 'repository';
}

async function findIdentity(place: Pick<Repository, 'path' | 'environment'>): Promise<GitIdentity> {
  const read = async (key: string): Promise<string> => {
    const { stdout } = await askGit(place, ['config', '--get', key], { answers: [0, 1] });
    return stdout.toString('utf8').trim();
  };
  const name = place.environment.GIT_AUTHOR_NAME ?? (await read('user.name'));
  const email = place.environment.GIT_AUTHOR_EMAIL ?? place.environment.EMAIL ?? (await read('user.email'));
  return name === '' || email === '' ? FALLBACK_IDENTITY : { name, email };
}
