import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { openAssembly } from '../../daemon/test/assembly/support/assembly.js';
import { TOKEN } from '../../daemon/test/worker/support/testServer.js';
import { runNeolith } from './support/runNeolith.js';

const assembly = openAssembly();
const { work } = assembly;

it.each([
  ['--upload-pack=touch made', 'NAME_INVALID', 2],
  ['x;$(touch made)', 'NAME_INVALID', 2],
  ['../../etc', 'NAME_INVALID', 2],
  ['refs/heads/main', 'NAME_INVALID', 2],
  ['nowhere', 'TARGET_NOT_FOUND', 3],
])('the target %j is refused before anything is stored or made', async (target, code, exitCode) => {
  await work.orchestrator();
  const plan = work.path('plan.json');
  await writeFile(plan, JSON.stringify({ version: 1, name: 'Aimed', tasks: [{ id: 'a', title: 'A' }] }));
  const ran = await runNeolith(
    ['execute', plan, '--repo-path', '.', '--shell-command', 'true', `--target=${target}`, '--json'],
    { NEOLITH_HOME: work.directory, NEOLITH_URL: work.server.url, NEOLITH_TOKEN: TOKEN },
    assembly.shop.path,
  );
  expect(ran.code).toBe(exitCode);
  expect(`${ran.stdout}${ran.stderr}`).toContain(code);
  expect((await work.engine.listRuns({ source: 'Aimed' })).runs).toEqual([]);
  expect(readdirSync(assembly.shop.path).sort()).toEqual(['.git', 'README.md']);
  expect(assembly.shop.git('for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
});
