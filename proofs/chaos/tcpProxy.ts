import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A way to a port on this machine that does to connections what networks do. */
export interface TcpProxy {
  readonly port: number;
  /** Connections made from now on are reset after so many bytes of answer. Null (at first): never. */
  cutNewAfter: number | null;
  /** Every part is passed on so much later. */
  delayMs: number;
  /** How many connections are open. */
  open(): number;
  /** Resets those that `choose` picks, each when so many more bytes of answer have passed. @returns how many. */
  cut(choose: () => boolean, afterBytes: number): number;
  /** From now on nothing of those that `choose` picks is passed on, nor that an end has gone. @returns how many. */
  silence(choose: () => boolean): number;
  close(): Promise<void>;
}

interface Link {
  readonly client: Socket;
  readonly behind: Socket;
  left: number;
  silent: boolean;
}

/** @param target its port may change: it is asked for each connection. */
export async function startTcpProxy(target: () => number): Promise<TcpProxy> {
  const links = new Set<Link>();

  function reset(link: Link): void {
    links.delete(link);
    link.client.resetAndDestroy();
    link.behind.destroy();
  }

  function passOn(link: Link, to: Socket, part: Buffer): void {
    if (!link.silent && !to.destroyed) to.write(part);
  }

  const server = createServer((client) => {
    const behind = connect({ host: '127.0.0.1', port: target() });
    const link: Link = { client, behind, left: proxy.cutNewAfter ?? Number.POSITIVE_INFINITY, silent: false };
    links.add(link);
    let toBehind = Promise.resolve();
    let toClient = Promise.resolve();
    // In order, also when the delay is taken away meanwhile.
    const inTurn = (before: Promise<void>, act: () => void): Promise<void> => {
      const pauseMs = proxy.delayMs;
      const until = pauseMs === 0 ? Promise.resolve() : delay(pauseMs);
      return before.then(() => until).then(act);
    };
    client.on('data', (part) => {
      toBehind = inTurn(toBehind, () => passOn(link, behind, part));
    });
    behind.on('data', (part) => {
      toClient = inTurn(toClient, () => {
        // Whoever answers has committed; what the caller sees of it is another matter.
        if (part.length <= link.left) passOn(link, client, part);
        else {
          passOn(link, client, part.subarray(0, link.left));
          // What was written goes out before the reset.
          setImmediate(() => reset(link));
        }
        link.left -= part.length;
      });
    });
    for (const [socket, other] of [
      [client, behind],
      [behind, client],
    ] as const) {
      socket.on('error', () => undefined);
      socket.once('close', () => {
        if (socket === client) links.delete(link);
        const turn = socket === client ? toBehind : toClient;
        // A silent peer is one that doesn't even say that it has gone.
        void turn.then(() => {
          if (link.silent && socket === behind) return;
          links.delete(link);
          other.destroy();
        });
      });
    }
  });

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: TcpProxy = {
    port: (server.address() as AddressInfo).port,
    cutNewAfter: null,
    delayMs: 0,
    open: () => links.size,
    cut(choose, afterBytes) {
      const chosen = [...links].filter((link) => !link.silent && choose());
      for (const link of chosen) {
        link.left = afterBytes;
        if (afterBytes === 0) reset(link);
      }
      return chosen.length;
    },
    silence(choose) {
      const chosen = [...links].filter((link) => !link.silent && choose());
      for (const link of chosen) link.silent = true;
      return chosen.length;
    },
    close() {
      for (const link of [...links]) reset(link);
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return proxy;
}
