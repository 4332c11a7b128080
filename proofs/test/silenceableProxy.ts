import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface SilenceableProxy {
  /** The given address, by way of the proxy. */
  readonly url: string;
  /**
   * From now on nothing comes through on the connections that there are, and none of them is closed; new ones work.
   * @param options.idleEndAfterMs those on which nothing is asked until then end: the kernel of the caller would have noticed by
   *   its own probes, which here the kernel of this machine answers. Default: none does.
   * @returns how many connections
   */
  silence(options?: { idleEndAfterMs?: number }): number;
  close(): void;
}

/** Stands before a PostgreSQL, and can be what a network is whose other end is gone without a word. */
export async function silenceableProxy(targetUrl: string): Promise<SilenceableProxy> {
  const target = new URL(targetUrl);
  const pairs: [Socket, Socket][] = [];
  let timer: NodeJS.Timeout | undefined;
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    pairs.push([client, upstream]);
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
    client.pipe(upstream).pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(targetUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    silence({ idleEndAfterMs } = {}) {
      const open = pairs.filter(([client]) => !client.destroyed);
      const idle = new Set<Socket>();
      for (const [client, upstream] of open) {
        client.unpipe();
        upstream.unpipe();
        client.resume();
        upstream.resume();
        idle.add(client);
        client.once('data', () => idle.delete(client));
      }
      if (idleEndAfterMs !== undefined) {
        timer = setTimeout(() => {
          for (const client of idle) client.resetAndDestroy();
        }, idleEndAfterMs);
      }
      return open.length;
    },
    close() {
      clearTimeout(timer);
      for (const socket of pairs.flat()) socket.destroy();
      server.close();
    },
  };
}
