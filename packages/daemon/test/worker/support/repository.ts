import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';

/** Real git, apart from all configuration of this machine; trimmed output. */
export function git(cwd: string, ...args: string[]): string {
  return execFileSync('git', ['-c', 'core.hooksPath=/dev/null', ...args], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' },
  }).trim();
}

/** A repository with one commit of `shared.txt`, on `main`. */
export function makeRepository(path: string): string {
  mkdirSync(path, { recursive: true });
  git(path, 'init', '-q', '-b', 'main');
  git(path, 'config', 'user.name', 'A person');
  git(path, 'config', 'user.email', 'person@example.org');
  writeFileSync(`${path}/shared.txt`, 'one\n');
  git(path, 'add', '.');
  git(path, 'commit', '-q', '-m', 'Begin');
  return path;
}
