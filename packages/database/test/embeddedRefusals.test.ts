import { existsSync } from 'node:fs';
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { layoutOf } from '../src/embedded/layout.js';
import { makeLibraryLinks } from '../src/embedded/libraryLinks.js';
import { unusable } from '../src/embedded/place.js';
import { readEnding } from '../src/embedded/startEmbeddedPostgres.js';
import { startEmbeddedPostgres } from '../src/index.js';
import { endServer, placeForServer } from './support/placeForServer.js';
import { startChild } from './support/startChild.js';

const isRoot = process.getuid?.() === 0;

async function refusal(dataDirectory: string): Promise<{ code: string; message: string }> {
  return startEmbeddedPostgres({ dataDirectory }).then(
    () => ({ code: 'none', message: 'it started' }),
    (error: { code: string; message: string }) => error,
  );
}

test('data of another major version is left alone, with the way to move it', async () => {
  const layout = await placeForServer();
  await mkdir(layout.data, { recursive: true });
  await writeFile(join(layout.data, 'PG_VERSION'), '17\n');

  const { code, message } = await refusal(layout.root);
  expect(code).toBe('EMBEDDED_OTHER_MAJOR');
  expect(message).toContain('PostgreSQL 17');
  expect(message).toContain('pg_dump');
  expect(message).toContain('DATABASE_URL');
  expect(await readdir(layout.data)).toEqual(['PG_VERSION']);
});

test("a data directory that isn't ours is left alone", async () => {
  const layout = await placeForServer();
  await mkdir(layout.root, { recursive: true });
  await writeFile(join(layout.root, 'PG_VERSION'), '18\n');

  expect(await refusal(layout.root)).toMatchObject({ code: 'EMBEDDED_FOREIGN_DIRECTORY' });
  expect(existsSync(layout.data)).toBe(false);
});

test('without its password file the data is not touched', async () => {
  const layout = await placeForServer();
  const { stop } = await startEmbeddedPostgres({ dataDirectory: layout.root });
  await stop();
  await rm(layout.passwordFile);

  expect(await refusal(layout.root)).toMatchObject({ code: 'EMBEDDED_DIRECTORY_UNUSABLE' });
  expect(existsSync(layout.passwordFile)).toBe(false);
});

test('a place where no directory can be made names DATABASE_URL as the way out', async () => {
  const layout = await placeForServer();
  await writeFile(layout.root, 'a file');
  const { code, message } = await refusal(join(layout.root, 'below'));
  expect(code).toBe('EMBEDDED_DIRECTORY_UNUSABLE');
  expect(message).toContain('DATABASE_URL');
});

test('a read-only directory names DATABASE_URL as the way out', async () => {
  const { root } = await placeForServer();
  await mkdir(root);
  await chmod(root, 0o555);
  // Root writes everywhere: there a process of another user tries.
  const child = startChild(
    'start',
    { dataDirectory: join(root, 'below') },
    isRoot ? { uid: 65_534, gid: 65_534 } : {},
  );
  const { error } = await child.outcome;
  expect(error?.code).toBe('EMBEDDED_DIRECTORY_UNUSABLE');
  expect(error?.message).toContain('no permission to write there');
  expect(error?.message).toContain('DATABASE_URL');
});

test.runIf(isRoot)("another user's directory is refused with who owns it", async () => {
  const { root } = await placeForServer();
  await startEmbeddedPostgres({ dataDirectory: root });
  const child = startChild('start', { dataDirectory: root }, { uid: 65_534, gid: 65_534 });
  const { error } = await child.outcome;
  expect(error?.code).toBe('EMBEDDED_DIRECTORY_UNUSABLE');
  expect(error?.message).toContain('belongs to another user');
});

test.runIf(isRoot)('a user without a name, as containers have, is told what PostgreSQL wants', async () => {
  const { root } = await placeForServer();
  const nameless = { uid: 1_234_567, gid: 1_234_567 };
  await mkdir(root);
  await chown(root, nameless.uid, nameless.gid);
  const { error } = await startChild('start', { dataDirectory: root }, nameless).outcome;
  expect(error?.code).toBe('EMBEDDED_START_FAILED');
  expect(error?.message).toContain('user id 1234567 has none');
  expect(error?.message).toContain('DATABASE_URL');
});

test.runIf(isRoot)(
  'as root, a place the service user cannot reach is kept in one it can, which is said',
  async () => {
    const closed = await mkdtemp(join(tmpdir(), 'neolith-closed-'));
    onTestFinished(() => rm(closed, { recursive: true, force: true }));
    const log: string[] = [];
    const server = await startEmbeddedPostgres({
      dataDirectory: join(closed, 'postgres'),
      log: (line) => log.push(line),
    });
    const place = /lies in (\/var\/lib\/neolith\/[0-9a-f]{16})$/m.exec(log.join('\n'))?.[1] ?? '';
    onTestFinished(async () => {
      if (place === '') return;
      await endServer(layoutOf(place));
      await rm(place, { recursive: true, force: true });
    });
    expect(place).not.toBe('');
    const again = await startEmbeddedPostgres({ dataDirectory: join(closed, 'postgres') });
    expect(again).toMatchObject({ outcome: 'attached', url: server.url });
  },
);

test('why a server ended at its start is read from its own words', () => {
  const log = (text: string) => `2026-01-01 00:00:00.000 UTC [7] FATAL:  ${text}\n`;
  expect(readEnding(log('could not create any TCP/IP sockets'))).toBe('port-taken');
  expect(readEnding(log('lock file "postmaster.pid" already exists'))).toBe('directory-in-use');
  expect(readEnding(log('pre-existing shared memory block (key 1, ID 2) is still in use'))).toBe(
    'directory-in-use',
  );
  expect(readEnding(log('could not write to file "pg_wal/xlogtemp.7": No space left on device'))).toBe(
    'disk-full',
  );
  expect(readEnding(log('could not open file "global/pg_control": Permission denied'))).toBe('no-permission');
  expect(readEnding(log('something else'))).toBe('other');
});

test('a full disk is called one', () => {
  const error = unusable('/data', Object.assign(new Error('write'), { code: 'ENOSPC' }));
  expect(error.code).toBe('EMBEDDED_DISK_FULL');
  expect(error.message).toContain('DATABASE_URL');
});

test('library links are made by several processes at once, and wrong ones set right', async () => {
  const { root } = await placeForServer();
  const lib = join(root, 'native', 'lib');
  await mkdir(lib, { recursive: true });
  const links = Array.from({ length: 20 }, (_, n) => ({
    source: `native/lib/lib${n}.so.1.2`,
    target: `native/lib/lib${n}.so.1`,
  }));
  await writeFile(join(root, 'native', 'pg-symlinks.json'), JSON.stringify(links));
  for (const { source } of links) await writeFile(join(root, source), source);
  await symlink('lib0.so.9', join(root, 'native/lib/lib0.so.1'));

  await Promise.all(Array.from({ length: 8 }, () => makeLibraryLinks(root)));
  for (const { source, target } of links) {
    expect(dirname(await readlink(join(root, target)))).toBe('.');
    expect(await readFile(join(root, target), 'utf8')).toBe(source);
  }
});
