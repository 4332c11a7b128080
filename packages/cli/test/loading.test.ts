import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runNeolith } from './support/runNeolith.js';

const HOOK = new URL('./support/writeDownLoads.mjs', import.meta.url).href;

const HEAVY =
  /\/daemon\/dist\/(index|(worker|plans|coordinator)\/index|worker\/createDaemon|agents\/(registry|runAgent))\.js$|\/database\/dist\/(index|openDatabase)\.js$/;

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'neolith-loading-'));
});

afterEach(() => {
  rmSync(home, { recursive: true, force: true });
});

async function loadedBy(command: string): Promise<string[]> {
  const loads = join(home, 'loads');
  await runNeolith(command.split(' '), {
    NEOLITH_HOME: home,
    LOADS: loads,
    NODE_OPTIONS: `--import=${HOOK}`,
  });
  return readFileSync(loads, 'utf8').trimEnd().split('\n');
}

// Agents call some of these many times while they work.
it.each(['--help', 'acquire port:3000', 'breakers', 'logs task', 'next', 'runs'])(
  '`%s` loads neither what runs agents nor what opens databases',
  async (command) => {
    const loaded = await loadedBy(command);
    expect(loaded.some((url) => url.includes('/cli/dist/main.js'))).toBe(true);
    expect(loaded.filter((url) => HEAVY.test(url))).toEqual([]);
  },
);

it('what runs agents is loaded by a command that needs it, and is seen by this test then', async () => {
  expect((await loadedBy('daemon --all')).filter((url) => HEAVY.test(url)).length).toBeGreaterThan(3);
});
