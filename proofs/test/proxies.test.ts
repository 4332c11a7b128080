import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { countFaults } from '../chaos/countedFaults.js';
import { createHttpJournal } from '../chaos/httpJournal.js';
import { type NetworkFault, startHttpProxy } from '../chaos/httpProxy.js';
import { seededRandom } from '../chaos/seededRandom.js';
import { startTcpProxy } from '../chaos/tcpProxy.js';

const toClose: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

const AT_ONCE = 8;
const TEXT = JSON.stringify({ text: 'x'.repeat(5_000) });

/** A real server that counts how often it was asked. */
async function openServer(): Promise<{ port: number; asked: () => number; server: Server }> {
  let asked = 0;
  const server = createServer((call: IncomingMessage, answer: ServerResponse) => {
    call.resume().once('end', () => {
      asked += 1;
      answer.writeHead(200, { 'content-type': 'application/json', 'content-length': TEXT.length }).end(TEXT);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  toClose.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, asked: () => asked, server };
}

it('every fault of the network happens, is counted, and leaves calls without one whole', async () => {
  const servers = [await openServer(), await openServer()];
  const faults = countFaults();
  const journal = createHttpJournal();
  const proxy = await startHttpProxy({
    servers: servers.map(({ port }) => port),
    random: seededRandom(3),
    journal,
    faults,
  });
  toClose.push(() => proxy.close());
  const ask = async (): Promise<'whole' | 'broken'> => {
    try {
      const response = await fetch(`${proxy.url}/api/v1/x`, {
        method: 'POST',
        body: '{}',
        // Only what is silent comes to this.
        signal: AbortSignal.timeout(8_000),
      });
      return (await response.text()) === TEXT ? 'whole' : 'broken';
    } catch {
      // Cut, reset or silent: which of them is what the proxy counts.
      return 'broken';
    }
  };
  await ask();
  const times = 80;
  proxy.faultsPerHundred = 50;
  const outcomes: Awaited<ReturnType<typeof ask>>[] = [];
  // So few at once that each is answered in time, also on a machine that is busy.
  const askInTurn = async () => {
    while (outcomes.length < times) outcomes.push(await ask());
  };
  await Promise.all(Array.from({ length: AT_ONCE }, askInTurn));
  const of = (...names: NetworkFault[]) =>
    names.reduce((sum, name) => sum + (faults.counts.get(name) ?? 0), 0);
  for (const name of [
    'request_lost',
    'answer_cut',
    'answer_silent',
    'call_delayed',
    'request_twice',
  ] as const)
    expect([name, of(name) > 0]).toEqual([name, true]);
  const broken = outcomes.filter((outcome) => outcome === 'broken').length;
  expect(broken).toBe(of('request_lost', 'answer_cut', 'answer_silent'));
  const asked = servers.reduce((sum, server) => sum + server.asked(), 0);
  const sent = outcomes.length + 1;
  expect(asked).toBeLessThanOrEqual(sent - of('request_lost') + of('request_twice'));
  expect(asked).toBeGreaterThanOrEqual(sent - of('request_lost', 'answer_silent') + of('request_twice'));
  expect(journal.statuses.get(200)).toBe(asked);

  proxy.faultsPerHundred = 0;
  expect(await Promise.all(Array.from({ length: 10 }, ask))).toEqual(Array(10).fill('whole'));
});

it('a call goes to the next server where nobody listens any more', async () => {
  const [gone, there] = [await openServer(), await openServer()];
  await new Promise((resolve) => gone.server.close(resolve));
  const proxy = await startHttpProxy({
    servers: [gone.port, there.port],
    random: seededRandom(1),
    journal: createHttpJournal(),
    faults: countFaults(),
  });
  toClose.push(() => proxy.close());
  for (let turn = 0; turn < 4; turn += 1) expect((await fetch(proxy.url)).status).toBe(200);
  expect(there.asked()).toBe(4);
});

it('a connection is cut after so many bytes, or falls silent without being closed', async () => {
  const { port } = await openServer();
  const proxy = await startTcpProxy(() => port);
  toClose.push(() => proxy.close());
  const url = `http://127.0.0.1:${proxy.port}`;
  const ask = async (limitMs = 10_000) => {
    const response = await fetch(url, {
      headers: { connection: 'close' },
      signal: AbortSignal.timeout(limitMs),
    });
    return response.text();
  };
  expect(await ask()).toBe(TEXT);
  proxy.cutNewAfter = 1_000;
  await expect(ask()).rejects.toThrow(/terminated|fetch failed/);
  proxy.cutNewAfter = null;

  proxy.delayMs = 300;
  const silenced = ask(1_500);
  const refused = expect(silenced).rejects.toThrow(/timeout/);
  await expect.poll(() => proxy.silence(() => true)).toBe(1);
  await refused;
  proxy.delayMs = 0;
  expect(await ask()).toBe(TEXT);
});
