import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { migrate, openDatabase } from '@neolith/database';
import { createWorkEngine } from '@neolith/work-engine';
import type { Benchmark } from '../harness/benchmark.js';
import { interleave } from '../harness/interleave.js';
import { median } from '../harness/statistics.js';
import { startWebServer } from '../harness/webServer.js';
import type { DaemonAnswer, DaemonJob, DaemonSeat } from '../load/httpDaemons.js';
import { type LoadProcess, startLoadProcess } from '../load/loadProcess.js';

const DAEMONS = 64;
const ORCHESTRATORS = 8;
const LOAD_PROCESSES = 2;
const PER_CALL = 50;
const EMPTY_PATH = '/livez';

type Load = LoadProcess<DaemonJob, DaemonAnswer>;

export const http: Benchmark = {
  name: 'http',
  title: 'Claim and complete through HTTP',
  about: `${DAEMONS} daemons of ${ORCHESTRATORS} orchestrators, each with one connection kept open and one call at a time, in
${LOAD_PROCESSES} load processes (undici), against one web process in its production build. Every call is a whole one: bearer
token, JSON body, checked input, each claim with the context that a daemon is handed. "Empty route handler" is
\`GET ${EMPTY_PATH}\` of the same process, which answers a constant; "plain node:http" a server that does the same without Next.
Both take GETs without a body or token, so they have less to read. Filling the queue is not measured; after each round the
database must hold exactly one attempt for each task, and each task DONE.`,
  async run({ rounds, quick, directory, startPostgres, say }) {
    const tasks = { single: quick ? 1_000 : 3_000, batched: quick ? 5_000 : 20_000 };
    const server = await startPostgres();
    const url = await server.createDatabase('http');
    await migrate(url);
    const home = await mkdtemp(join(directory, 'home-'));
    const profile = process.env.PROFILE_INTO;
    const web = await startWebServer({
      databaseUrl: url,
      home,
      nodeOptions: profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`],
    });
    const plain = await startLoadProcess<object, string>('./plainServer.js');
    const loads: Load[] = [];
    const backlog = await openBacklog(url, web.token);
    try {
      for (let made = 0; made < LOAD_PROCESSES; made += 1)
        loads.push(await startLoadProcess('./httpDaemons.js'));
      const plainUrl = await plain.run({});
      const share = <Item>(items: readonly Item[], index: number): Item[] =>
        items.filter((_, at) => at % LOAD_PROCESSES === index);
      const requests = (base: string, path: string, amount: number) => () =>
        measure(loads, () => ({
          kind: 'requests',
          url: base,
          path,
          connections: DAEMONS / LOAD_PROCESSES,
          requests: amount / LOAD_PROCESSES,
        }));
      const work = (perCall: number, amount: number) => async () => {
        await backlog.fill(amount);
        const measured = await measure(loads, (index) => ({
          kind: 'tasks',
          url: web.url,
          daemons: share(backlog.daemons, index),
          perCall,
        }));
        await backlog.check(amount);
        return measured;
      };
      const contestants = [
        { name: 'claim and complete, one per call', run: work(1, tasks.single) },
        { name: 'empty route handler', run: requests(web.url, EMPTY_PATH, tasks.single * 2) },
        { name: 'plain node:http', run: requests(plainUrl, '/', tasks.single * 6) },
        { name: `claim and complete, ${PER_CALL} per call`, run: work(PER_CALL, tasks.batched) },
      ].filter(({ name }) => process.env.ONLY === undefined || name.includes(process.env.ONLY));
      const samples = await interleave(contestants, rounds, async ({ name, run }, round) => {
        const sample = await run();
        say(
          `${round}: ${name}: ${Math.round(sample.requests)} requests/s, ${Math.round(sample.tasks)} tasks/s`,
        );
        return sample;
      });
      const row = (index: number, of: 'requests' | 'tasks') => ({
        name: contestants[index]?.name ?? '',
        samples: [(samples[index] ?? []).map((sample) => sample[of])],
      });
      const middle = (index: number, of: 'requests' | 'tasks') => median(row(index, of).samples[0] ?? []);
      return {
        tables: [
          {
            title: 'Requests',
            unit: 'requests/s',
            along: 'daemons',
            points: [DAEMONS],
            rows: [row(0, 'requests'), row(1, 'requests'), row(2, 'requests')],
            logarithmic: true,
          },
          {
            title: 'Tasks',
            unit: 'tasks/s',
            along: 'daemons',
            points: [DAEMONS],
            rows: [row(0, 'tasks'), row(3, 'tasks')],
            logarithmic: true,
          },
        ],
        verdicts: [
          {
            what: 'one per call: requests/s ÷ those of the empty route handler',
            value: middle(0, 'requests') / middle(1, 'requests'),
            aim: { at: 'least', bound: 0.7 },
          },
          {
            what: `${PER_CALL} per call`,
            value: middle(3, 'tasks'),
            unit: 'tasks/s',
            aim: { at: 'least', bound: 10_000 },
          },
          {
            what: 'empty route handler ÷ plain node:http',
            value: middle(1, 'requests') / middle(2, 'requests'),
            aim: null,
          },
        ],
        notes: [
          `Where the time of an empty route handler goes, by \`--cpu-prof\` (\`PROFILE_INTO=FOLDER\` writes one): nowhere in
particular. Next's route module runtime has an eighth, garbage collection a twelfth, writing to the socket a tenth, the web
platform's Request, Response and streams a tenth, context that follows promises a sixteenth, Next's router and base server another
tenth. That is why daemons' calls and the streams are answered before the router:
[the decision](../decisions/0009-calls-without-the-router.md).`,
          `What is left of a call's time is the database's. Claims on one orchestrator that wait together are one statement, whichever
daemons they come from; so are completions, and the look-ups of tokens and contexts.`,
        ],
      };
    } finally {
      for (const load of loads) await load.stop();
      await plain.stop();
      await backlog.close();
      await web.stop();
    }
  },
};

/** Gives each process its job at once; per second, from the first start to the last end. */
async function measure(
  loads: readonly Load[],
  jobOf: (index: number) => DaemonJob,
): Promise<{ requests: number; tasks: number }> {
  const answers = await Promise.all(loads.map((load, index) => load.run(jobOf(index))));
  const seconds =
    (Math.max(...answers.map(({ endedAt }) => endedAt)) -
      Math.min(...answers.map(({ startedAt }) => startedAt))) /
    1_000;
  const sum = (of: 'requests' | 'tasks') => answers.reduce((total, answer) => total + answer[of], 0);
  return { requests: sum('requests') / seconds, tasks: sum('tasks') / seconds };
}

/** The orchestrators and daemons of the benchmark, in the workspace that the server has made. */
async function openBacklog(url: string, token: string) {
  const database = openDatabase(url);
  const unscoped = createWorkEngine(database);
  const { rows } = await database.pool.query<{ id: string }>(
    `SELECT id FROM workspaces WHERE slug = 'default'`,
  );
  const engine = unscoped.as({ workspaceId: rows[0]?.id ?? '' });
  const daemons: DaemonSeat[] = [];
  const orchestrators: string[] = [];
  for (let made = 0; made < ORCHESTRATORS; made += 1) {
    const { id } = await engine.createOrchestrator({
      name: `Benchmark ${made}`,
      role: 'Runner',
      discipline: 'Nothing',
      maxConcurrentTasks: 1_000,
    });
    orchestrators.push(id);
    for (let seat = 0; seat < DAEMONS / ORCHESTRATORS; seat += 1) {
      const daemon = await engine.registerDaemon({
        name: `daemon-${made}-${seat}`,
        host: 'benchmark',
        version: '1',
        slots: PER_CALL,
        orchestratorIds: [id],
      });
      daemons.push({ orchestratorId: id, daemonId: daemon.id, token });
    }
  }
  const priorities = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'] as const;
  let filled = 0;
  return {
    daemons,
    async fill(amount: number) {
      for (let made = 0; made < amount; made += 5_000) {
        const count = Math.min(5_000, amount - made);
        await engine.createTasks(
          Array.from({ length: count }, (_, index) => ({
            title: `No-op ${filled + made + index}`,
            orchestratorId: orchestrators[index % ORCHESTRATORS] ?? '',
            priority: priorities[index % 4] ?? 'LOW',
          })),
        );
      }
      filled += amount;
    },
    /** Each task was done, and each once. */
    async check(amount: number) {
      const { rows: found } = await database.pool.query<{ done: number; attempts: number }>(
        `SELECT (SELECT count(*) FROM tasks WHERE status = 'DONE')::int AS done, (SELECT count(*) FROM attempts)::int AS attempts`,
      );
      if (found[0]?.done !== filled || found[0].attempts !== filled)
        throw new Error(`Of ${filled} tasks (${amount} in this round) ${JSON.stringify(found[0])}`);
    },
    async close() {
      await unscoped.close();
      await database.close();
    },
  };
}
