import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestContext } from 'vitest';
import type { CheckedFlags } from '../../../src/agents/commandAgent.js';

const run = promisify(execFile);

export type FetchedAgent =
  | { readonly found: true; readonly path: string }
  | { readonly found: false; readonly why: string };

/** What a fetch from the registry may take; hooks that fetch are given it as their limit. */
export const FETCH_TIMEOUT_MS = 300_000;

const fetched = new Map<string, Promise<FetchedAgent>>();

/**
 * The real command of an agent, in the version that its flags were checked against. It is looked for in the folder that
 * `NEOLITH_TEST_AGENTS` names, or fetched once by npm into a cache of the home directory. `NEOLITH_TEST_AGENTS=none`
 * fetches nothing.
 */
export function fetchAgent(checked: CheckedFlags): Promise<FetchedAgent> {
  const known = fetched.get(checked.program) ?? find(checked);
  fetched.set(checked.program, known);
  return known;
}

/** The path, or the end of the test: skipped with the reason, or failed where `NEOLITH_TEST_AGENTS_REQUIRED` is 1. */
export async function requireAgent(checked: CheckedFlags, test: TestContext): Promise<string> {
  const agent = await fetchAgent(checked);
  if (agent.found) return agent.path;
  if (process.env.NEOLITH_TEST_AGENTS_REQUIRED === '1' && checked.npmPackage !== null) {
    throw new Error(`${checked.program} is required here, and can't be had: ${agent.why}`);
  }
  // What counts skipped tests afterwards has their names only.
  console.warn(`Skipped for want of ${checked.program}: ${agent.why}`);
  return test.skip(`${checked.program}: ${agent.why}`);
}

async function find(checked: CheckedFlags): Promise<FetchedAgent> {
  const { npmPackage, program, version } = checked;
  if (npmPackage === null)
    return { found: false, why: "it can't be had from npm, and is followed by its documentation" };
  const folder = process.env.NEOLITH_TEST_AGENTS;
  if (folder === 'none') return { found: false, why: 'NEOLITH_TEST_AGENTS is none' };
  if (folder !== undefined && folder !== '') {
    for (const path of [join(folder, program), join(folder, 'node_modules', '.bin', program)]) {
      if (existsSync(path)) return { found: true, path };
    }
    return { found: false, why: `the folder of NEOLITH_TEST_AGENTS has no ${program}` };
  }
  const cache = join(homedir(), '.cache', 'neolith-test-agents');
  const home = join(cache, `${program}-${version}`);
  const path = join(home, 'node_modules', '.bin', program);
  if (existsSync(path)) return { found: true, path };
  try {
    await install(cache, home, `${npmPackage}@${version}`);
    return { found: true, path };
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    const reason = stderr.split('\n').find((line) => /code|ERR|error/i.test(line)) ?? message.split('\n')[0];
    return { found: false, why: `npm could not fetch ${npmPackage}@${version} (${reason})` };
  }
}

/** Made aside and moved into place: another run that fetches at the same time, or one that is killed, harms nothing. */
async function install(cache: string, home: string, wanted: string): Promise<void> {
  await mkdir(cache, { recursive: true });
  await removeUnfinished(cache);
  const unfinished = await mkdtemp(join(cache, 'unfinished-'));
  await writeFile(join(unfinished, 'package.json'), '{"private": true}\n');
  const args = [
    'install',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    '--fetch-retries=1',
    '--save-exact',
    wanted,
  ];
  // Its build scripts fetch or place the program itself; what is not ours from npm's settings stays.
  await run('npm', args, {
    cwd: unfinished,
    timeout: FETCH_TIMEOUT_MS - 10_000,
    maxBuffer: 16 * 1024 * 1024,
  });
  try {
    await rename(unfinished, home);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    if (!existsSync(home)) throw error;
  }
}

async function removeUnfinished(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (!name.startsWith('unfinished-')) continue;
    const path = join(cache, name);
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > 3_600_000) await rm(path, { recursive: true, force: true });
  }
}
