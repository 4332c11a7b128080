import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient, isNeolithError, type NeolithClient } from '@neolith/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startServer } from '../../apps/web/test/startServer.js';
import { freeMany } from '../test/freeMany.js';
import { type Installation, startInstallation } from '../test/installation.js';
import { silenceableProxy } from '../test/silenceableProxy.js';

// `npm run proofs -- guarantees` prints the figures of docs/reference/guarantees.md, with the defaults of an installation.

const ROUNDS = 5;
const DEFAULT_LEASE_SECONDS = 30;
/** What the probes of an idle connection take to find out: `openDatabase`. */
const KEEP_ALIVE_MS = 14_000;

let installation: Installation;
let client: NeolithClient;
let workspaceId: string;
let home: string;
const figures: { what: string; measured: string; promised: string }[] = [];

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'neolith-guarantees-'));
  installation = await startInstallation({
    name: 'neolith-guarantees',
    taskSeconds: [600],
    leaseSeconds: DEFAULT_LEASE_SECONDS,
    slots: 2,
  });
  client = createClient({ baseUrl: installation.url, token: installation.token });
  const [workspace] = await installation.database.prisma.workspace.findMany();
  workspaceId = workspace?.id as string;
}, 120_000);

afterAll(async () => {
  await installation?.stop();
  await rm(home, { recursive: true, force: true });
  const rows = figures.map(({ what, measured, promised }) => `| ${what} | ${measured} | ${promised} |`);
  console.log(
    [
      `Node ${process.version}, ${cpus().length} processors`,
      '| what | measured | promised |',
      '| --- | --- | --- |',
      ...rows,
    ].join('\n'),
  );
}, 60_000);

const seconds = (ms: number) => `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;

/** Median and worst of several, and that the worst keeps the promise. */
function tell(what: string, timesMs: readonly number[], promisedMs: number, promised = seconds(promisedMs)) {
  const sorted = [...timesMs].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] as number;
  const worst = sorted.at(-1) as number;
  const measured =
    sorted.length === 1
      ? seconds(worst)
      : `${seconds(median)}, at most ${seconds(worst)} of ${sorted.length}`;
  figures.push({ what, measured, promised: `≤ ${promised}` });
  expect(worst, what).toBeLessThanOrEqual(promisedMs);
}

async function until(what: string, limitMs: number, look: () => Promise<boolean>): Promise<number> {
  const startMs = performance.now();
  for (;;) {
    if (await look()) return performance.now() - startMs;
    if (performance.now() - startMs > limitMs) throw new Error(`Not within ${limitMs} ms: ${what}`);
    await delay(10);
  }
}

const answers =
  (url = installation.url) =>
  async () => {
    const response = await fetch(`${url}/api/v1/orchestrators`, {
      headers: { authorization: `Bearer ${installation.token}` },
      signal: AbortSignal.timeout(20_000),
    }).catch(() => null);
    await response?.body?.cancel();
    return response?.ok === true;
  };

const orchestrator = (name: string) =>
  client.createOrchestrator({ body: { name, role: 'r', discipline: 'd', maxConcurrentTasks: 100 } });

const attemptsOf = async (id: string) => (await client.getTask({ params: { id } })).attempts;

it('a task of a daemon that was killed runs again', async () => {
  const { id: orchestratorId } = await orchestrator('Deaths');
  const times: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const victim = installation.startDaemon(`victim-${round}`);
    const { tasks } = await client.createTasks({ body: { tasks: [{ title: 'Long', orchestratorId }] } });
    const id = tasks[0]?.id ?? '';
    await until('the task to run', 60_000, async () => (await attemptsOf(id))[0]?.status === 'RUNNING');
    const other = installation.startDaemon(`heir-${round}`);
    await until('the heir to serve', 60_000, async () =>
      (await client.listDaemons()).daemons.some(({ name }) => name === `heir-${round}`),
    );
    victim.kill('SIGKILL');
    times.push(
      await until('the task to run again', 60_000, async () => {
        const attempts = await attemptsOf(id);
        return attempts.length === 2 && attempts.some(({ status }) => status === 'RUNNING');
      }),
    );
    await client.cancelTask({ params: { id }, body: {} });
    await until(
      'the cancel',
      30_000,
      async () => (await client.getTask({ params: { id } })).status === 'CANCELLED',
    );
    other.kill('SIGKILL');
  }
  tell('a daemon is killed: its task runs on another one (lease 30 s)', times, 35_000);
});

it('a cancel is heard, and nothing of its agent is left', async () => {
  const { id: orchestratorId } = await orchestrator('Cancels');
  const daemon = installation.startDaemon('cancelled');
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { tasks } = await client.createTasks({ body: { tasks: [{ title: 'Long', orchestratorId }] } });
    const id = tasks[0]?.id ?? '';
    await until('the agent to work', 60_000, async () => {
      const attempt = (await attemptsOf(id))[0]?.id ?? 'none';
      return (await installation.readLedger().catch(() => null))?.begun.includes(attempt) === true;
    });
    const startMs = performance.now();
    await client.cancelTask({ params: { id }, body: {} });
    await until(
      'the cancel',
      30_000,
      async () => (await client.getTask({ params: { id } })).status === 'CANCELLED',
    );
    times.push(performance.now() - startMs);
  }
  daemon.kill('SIGKILL');
  tell('a cancel: heard by the daemon, its agent and all it started ended, and confirmed', times, 11_000);
});

it('server and database come back', async () => {
  const recover = async (fault: () => Promise<unknown>) => {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      await fault();
      times.push(await until('an answer', 30_000, answers()));
    }
    return times;
  };
  tell(
    'PostgreSQL is killed with all its processes: from its return to the first answer',
    await recover(installation.faults.postgres_everything_killed),
    10_000,
  );
  tell(
    'all sessions of PostgreSQL are ended: to the next answer',
    await recover(installation.postgres.terminateSessions),
    10_000,
  );
  tell(
    'the server is killed: from its restart to the first answer',
    await recover(installation.faults.web_killed),
    10_000,
  );
});

it('a silent connection is given up', async () => {
  const proxy = await silenceableProxy(installation.postgres.url);
  const server = await startServer({ databaseUrl: proxy.url, home });
  try {
    // Its own token is of the same database, so the installation's is good here.
    expect(await answers(server.url)()).toBe(true);
    // Idle ones are found out by the probes of the kernel, which a proxy on the same machine always answers.
    expect(proxy.silence({ idleEndAfterMs: KEEP_ALIVE_MS })).toBeGreaterThan(0);
    tell(
      'connections fall silent: to the next answer',
      [await until('an answer', 60_000, answers(server.url))],
      16_000,
    );
  } finally {
    await server.stop('SIGKILL');
    proxy.close();
  }
});

it('who is late changes nothing', async () => {
  const { id } = await orchestrator('Late');
  const COUNT = 100;
  await client.createTasks({
    body: { tasks: Array.from({ length: COUNT }, (_, n) => ({ title: `Late ${n}`, orchestratorId: id })) },
  });
  const { claims } = await client.claimTasks({
    params: { id },
    body: { requestId: 'late', max: COUNT, leaseSeconds: 1 },
  });
  expect(claims).toHaveLength(COUNT);
  const waitedMs = await until('all to be taken back', 20_000, async () => {
    const { rows } = await installation.database.pool.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM attempts WHERE status = 'LOST' AND orchestrator_id = $1`,
      [id.slice('orch_'.length)],
    );
    return rows[0]?.n === COUNT;
  });
  const refused = await Promise.all(
    claims.map(({ task, attempt }) =>
      client
        .completeTask({
          params: { id: task.id },
          body: { status: 'completed', attemptId: attempt.id, output: { late: true } },
        })
        .then(
          () => 'accepted',
          (error: unknown) => (isNeolithError(error) ? error.code : 'failed'),
        ),
    ),
  );
  const count = refused.filter((code) => code === 'LEASE_LOST').length;
  figures.push({
    what: 'completions of attempts that had lost their task',
    measured: `${count} of ${COUNT} refused`,
    promised: 'all refused',
  });
  expect(count).toBe(COUNT);
  const engine = installation.engine.as({ workspaceId });
  const { tasks } = await engine.listTasks({ orchestratorId: id, limit: COUNT });
  expect(tasks.filter(({ status }) => status === 'TODO')).toHaveLength(COUNT);
  tell('a lease of 1 s runs out: taken back', [waitedMs], 5_000);
});

it('10,000 tasks are freed at once', async () => {
  const report = await freeMany({
    url: installation.url,
    token: installation.token,
    engine: installation.engine.as({ workspaceId }),
    tasks: 10_000,
    daemons: 50,
    orchestrators: 10,
  });
  expect(new Set(report.started).size).toBe(50);
  const after = (ms: number) => Math.max(0, ms - report.completedMs);
  figures.push({
    what: '10,000 tasks are freed by one completion: the call',
    measured: seconds(report.completedMs),
    promised: '–',
  });
  tell('… from its answer to the first of 50 idle daemons that has one', [after(report.firstMs)], 1_000);
  tell('… to the last of them', [after(report.lastMs)], 5_000);
});
