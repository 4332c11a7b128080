import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Benchmark, Outcome, Setting, Table, Verdict } from '../harness/benchmark.js';
import { type AskedProcess, startAsked } from '../harness/childProcess.js';
import { interleave } from '../harness/interleave.js';
import { describeContestants } from '../harness/machine.js';
import type { PostgresServer } from '../harness/postgresServer.js';
import { percentile } from '../harness/statistics.js';
import { wordsFrom } from '../harness/wanted.js';
import { startWebServer, type WebServer } from '../harness/webServer.js';
import type { HandOver, ReceiverSettings } from '../receivers/receiver.js';
import type { PartTimes, ReceiverRequest } from '../receivers/serveReceiver.js';

const SERVE = fileURLToPath(new URL('../receivers/serveReceiver.js', import.meta.url));
const HAND_OVERS_A_ROUND = 60;

const NAMES = {
  neolith: 'neolith, one process',
  'neolith-notified': 'neolith, task made on other connections',
  'neolith-http': 'neolith, through HTTP',
  graphile: 'graphile-worker',
  'pg-boss': 'pg-boss',
  bullmq: 'BullMQ, Redis without fsync',
  'bullmq-always': 'BullMQ, Redis appendfsync always',
} as const;
type Key = keyof typeof NAMES;

const AIMS: Readonly<Partial<Record<Key, number>>> = { neolith: 1.5, 'neolith-http': 10 };

export const latency: Benchmark = {
  name: 'latency',
  title: 'From ready to claimed',
  about: `The system is idle and somebody waits for work; one task is made; how long until who waited has it? ${HAND_OVERS_A_ROUND} hand-overs a
round, with a pause of 40 to 80 ms before each. Counted from the moment at which the maker has the answer that its task is
stored, and, in the second table, from the call that made it. Maker and receiver of each contestant share a process, so
that there is one clock; each contestant has one of its own.

- **neolith, one process**: \`waitForClaim\`; the task is made by \`createTask\` of the same engine. **On other connections**: by
  another engine with a pool of its own, so that the first hears of it from PostgreSQL only. **Through HTTP**: the client
  that daemons use, \`claim\` with \`waitSeconds\`, and \`POST tasks\`, to one built web process.
- **graphile-worker**: its runner, woken by \`LISTEN\`; \`addJob\` of its utilities. **pg-boss**: \`work\` on a queue with
  \`notify\`; \`send\` of another instance. **BullMQ**: its worker; \`add\` on another connection.`,
  run: runLatency,
};

interface Opened {
  readonly key: Key;
  readonly process: AskedProcess<ReceiverRequest>;
}

async function runLatency(setting: Setting): Promise<Outcome> {
  const keys = wordsFrom('RECEIVERS', Object.keys(NAMES) as Key[]);
  const server = await setting.startPostgres();
  const opened: Opened[] = [];
  const webServers: WebServer[] = [];
  let samples: HandOver[][][] = [];
  let parts: PartTimes = {};
  try {
    for (const key of keys) {
      const settings = await settingsOf(setting, server, key, webServers);
      if (settings === null) continue;
      const process = startAsked<ReceiverRequest>(SERVE);
      opened.push({ key, process });
      await process.ask({ ask: 'open', settings });
    }
    samples = await interleave(opened, setting.rounds, async ({ key, process }, round) => {
      const handOvers = (await process.ask({ ask: 'handOver', times: HAND_OVERS_A_ROUND })) as HandOver[];
      const middle = percentile(
        handOvers.map(({ fromReady }) => fromReady),
        0.5,
      );
      setting.say(`round ${round}, ${NAMES[key]}: ${middle.toFixed(2)} ms`);
      return handOvers;
    });
    const ours = opened.find(({ key }) => key === 'neolith');
    if (ours !== undefined) {
      parts = (await ours.process.ask({ ask: 'parts', times: HAND_OVERS_A_ROUND })) as PartTimes;
    }
  } finally {
    for (const { process } of opened) await process.end({ ask: 'close' });
    for (const web of webServers) await web.stop();
  }
  const table = (title: string, what: keyof HandOver): Table => ({
    title,
    unit: 'ms',
    along: `of ${setting.rounds * HAND_OVERS_A_ROUND} hand-overs`,
    points: ['p50', 'p99'],
    rows: opened.map(({ key }, index) => {
      const times = samples[index]?.flat().map((each) => each[what]) ?? [];
      return { name: NAMES[key], samples: [[percentile(times, 0.5)], [percentile(times, 0.99)]] };
    }),
    plot: 'bars',
  });
  const fromReady = table('From ready to claimed', 'fromReady');
  return {
    tables: [
      fromReady,
      table('From the call that makes the task to claimed', 'fromCall'),
      {
        title: 'What is in it for neolith in one process, each by itself',
        unit: 'ms',
        along: `of ${HAND_OVERS_A_ROUND}, each after the same pause`,
        points: ['p50', 'p99'],
        rows: Object.entries(parts).map(([name, times]) => ({
          name,
          samples: [[percentile(times, 0.5)], [percentile(times, 0.99)]],
        })),
        plot: 'none',
      },
    ],
    verdicts: opened.map(({ key }, index): Verdict => {
      const bound = AIMS[key];
      return {
        what: `${NAMES[key]}, p50`,
        value: fromReady.rows[index]?.samples[0]?.[0] ?? Number.NaN,
        unit: 'ms',
        aim: bound === undefined ? null : { at: 'most', bound },
      };
    }),
    notes: [
      describeContestants(['graphile-worker', 'pg-boss', 'bullmq', 'pg']),
      'The web process runs under the Node at hand.',
    ],
  };
}

async function settingsOf(
  setting: Setting,
  server: PostgresServer,
  key: Key,
  webServers: WebServer[],
): Promise<ReceiverSettings | null> {
  if (key === 'bullmq' || key === 'bullmq-always') {
    const redis = await setting.startRedis(key === 'bullmq' ? 'none' : 'appendfsync always');
    return redis === null ? null : { kind: 'bullmq', port: redis.port };
  }
  const url = await server.createDatabase(key.replaceAll('-', '_'));
  switch (key) {
    case 'neolith':
      return { kind: 'neolith', url, maker: 'same engine' };
    case 'neolith-notified':
      return { kind: 'neolith', url, maker: 'other engine' };
    case 'neolith-http': {
      const home = await mkdtemp(join(setting.directory, 'home-'));
      const web = await startWebServer({ databaseUrl: url, home });
      webServers.push(web);
      return { kind: 'neolith-http', url: web.url, token: web.token };
    }
    case 'graphile':
      return { kind: 'graphile-worker', url };
    case 'pg-boss':
      return { kind: 'pg-boss', url };
  }
}
