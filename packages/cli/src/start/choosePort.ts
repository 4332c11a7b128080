import { createServer } from 'node:net';
import { CommandError } from '../output/commandError.js';

export const DEFAULT_PORT = 3_000;
const TRIES = 100;

export interface PortWish {
  readonly host: string;
  /** Asked for by name: it must be this one. */
  readonly wanted: number | undefined;
  /** Of the last start: bookmarks lead there. */
  readonly remembered: number | undefined;
}

/** The port to listen on: the wanted one, else the remembered one, else the first free one from 3000 on. */
export async function choosePort({ host, wanted, remembered }: PortWish): Promise<number> {
  if (wanted !== undefined) {
    const trouble = await tryPort(host, wanted);
    if (trouble === null) return wanted;
    throw new CommandError('conflict', 'PORT_TAKEN', explain(host, wanted, trouble));
  }
  if (remembered !== undefined && (await tryPort(host, remembered)) === null) return remembered;
  let trouble: string | null = null;
  for (let port = DEFAULT_PORT; port < DEFAULT_PORT + TRIES; port += 1) {
    trouble = await tryPort(host, port);
    if (trouble === null) return port;
    // No other port of an address that isn't ours would be better.
    if (trouble !== 'EADDRINUSE' && trouble !== 'EACCES') break;
  }
  throw new CommandError('conflict', 'PORT_TAKEN', explain(host, DEFAULT_PORT, trouble ?? 'EADDRINUSE'));
}

/** Null when it is free, else the code of what is in the way. */
function tryPort(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    probe.listen(port, host, () => probe.close(() => resolve(null)));
  });
}

function explain(host: string, port: number, trouble: string): string {
  if (trouble === 'EADDRINUSE') {
    return `Port ${port} on ${host} is taken by another program. End that one, or choose another port: --port ${port + 1}.`;
  }
  if (trouble === 'EACCES') {
    return `Port ${port} may not be opened by this user (below 1024 that takes root). Choose another one: --port ${DEFAULT_PORT}.`;
  }
  return `Can't listen on ${host} port ${port}: ${trouble}. HOST names the address to listen on; 127.0.0.1 always works.`;
}
