import { randomInt } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { DatabaseError, errorCode } from '../errors.js';
import { WAY_OUT } from './layout.js';

// Below the ranges that Linux (32768) and macOS (49152) take for outgoing connections, so that no connection of
// some program sits on the remembered port at the next start.
const LOWEST_PORT = 15_432;
const HIGHEST_PORT = 32_767;
const TRIES = 100;

/** The port a data directory used last, or undefined. */
export async function rememberedPort(portFile: string): Promise<number | undefined> {
  try {
    const port = Number.parseInt(await readFile(portFile, 'utf8'), 10);
    return port > 0 && port < 65_536 ? port : undefined;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The remembered port when nobody listens on it, else a free one, remembered from now on. */
export async function choosePort(portFile: string): Promise<number> {
  const remembered = await rememberedPort(portFile);
  if (remembered !== undefined && (await isFree(remembered))) return remembered;
  for (let tries = 0; tries < TRIES; tries++) {
    const port = randomInt(LOWEST_PORT, HIGHEST_PORT + 1);
    if (!(await isFree(port))) continue;
    await writeFile(portFile, `${port}\n`, { mode: 0o600 });
    return port;
  }
  throw new DatabaseError(
    'EMBEDDED_NO_PORT',
    `None of ${TRIES} ports tried on 127.0.0.1 could be listened on for the embedded PostgreSQL. ${WAY_OUT}`,
  );
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
