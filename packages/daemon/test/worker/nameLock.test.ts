import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeDaemonLife } from '../../src/process/strays.js';
import { holdName } from '../../src/worker/nameLock.js';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'neolith-name-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

it('takes a name whose last life is over, and its directory goes with it', async () => {
  const directory = join(root, 'a name');
  await mkdir(directory);
  await writeFile(join(directory, 'life'), 'a%20name:999999999.1');
  const life = await describeDaemonLife('a name');
  const letGo = await holdName(directory, 'a name', life);
  await expect(holdName(directory, 'a name', life)).rejects.toMatchObject({ code: 'NAME_IN_USE' });
  await letGo();
  expect(existsSync(directory)).toBe(false);
});

it('leaves a directory in which something lies', async () => {
  const directory = join(root, 'full');
  const letGo = await holdName(directory, 'full', await describeDaemonLife('full'));
  await writeFile(join(directory, 'left'), '');
  await letGo();
  expect(existsSync(join(directory, 'left'))).toBe(true);
  expect(existsSync(join(directory, 'life'))).toBe(false);
});

it('says so where there can be no directory, and does not try for ever', async () => {
  await symlink(join(root, 'nowhere', 'at all'), join(root, 'dangling'));
  for (const directory of [join(root, 'dangling'), join(root, 'dangling', 'below')]) {
    await expect(holdName(directory, 'x', 'x:1.1')).rejects.toMatchObject({ code: 'DIRECTORY_UNUSABLE' });
  }
});
