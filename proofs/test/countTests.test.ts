import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

const COUNT = new URL('../../scripts/countTests.mjs', import.meta.url).href;
const CONFIG = fileURLToPath(new URL('fixtures/misses/vitest.config.mjs', import.meta.url));

/** Runs the fixture's three tests as `npm test` runs all, and tells what it counts. */
async function count({ repeat, always }: { repeat: boolean; always: boolean }) {
  const directory = await mkdtemp(join(tmpdir(), 'neolith-misses-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const script = `import { countTests } from ${JSON.stringify(COUNT)};
    const counted = countTests(['--config', ${JSON.stringify(CONFIG)}], { repeat: ${repeat} });
    console.log('\\n' + JSON.stringify(counted));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, MISSES_DIRECTORY: directory, ...(always ? { MISSES_ALWAYS: '1' } : {}) },
  });
  const { passed, failed, failures, flaky } = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
  const heads = (texts: string[]) => texts.map((text) => text.split('\n')[0]?.split(': ')[1]);
  return { passed, failed, failures: heads(failures), flaky: heads(flaky) };
}

test('what fails once is run again and told as flaky; what fails again has failed', async () => {
  expect(await count({ repeat: true, always: false })).toEqual({
    ...{ passed: 3, failed: 0 },
    ...{ failures: [], flaky: ['fails the first time'] },
  });
  expect(await count({ repeat: true, always: true })).toEqual({
    ...{ passed: 2, failed: 1 },
    ...{ failures: ['fails each time'], flaky: ['fails the first time'] },
  });
});

test('what fails in a part of the tests is not run again', async () => {
  expect(await count({ repeat: false, always: false })).toEqual({
    ...{ passed: 2, failed: 1 },
    ...{ failures: ['fails the first time'], flaky: [] },
  });
});
