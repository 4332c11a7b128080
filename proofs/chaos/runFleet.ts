import { appendFileSync } from 'node:fs';
import { chmod, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient, formatId, type NeolithClient } from '@neolith/contracts';
import { migrate, openDatabase } from '@neolith/database';
import { createWorkEngine } from '@neolith/work-engine';
import { startChaosPostgres } from './chaosPostgres.js';
import { countFaults } from './countedFaults.js';
import { type DaemonFleet, startDaemonFleet } from './daemonFleet.js';
import { type Feed, feedWork } from './feedWork.js';
import type { FleetReport } from './fleetReport.js';
import { createHttpJournal } from './httpJournal.js';
import { startHttpProxy } from './httpProxy.js';
import { injectSeries } from './injectFaults.js';
import { judge } from './judge.js';
import { planFaults } from './planFaults.js';
import { type Prober, startProber } from './prober.js';
import { findProcesses, openProcesses } from './processes.js';
import { readSessions, readTables } from './readTables.js';
import { writeScriptedAgent } from './scriptedAgent.js';
import { seededRandom } from './seededRandom.js';
import { startTcpProxy } from './tcpProxy.js';
import { startWebServer, type WebServer } from './webServers.js';
import { makeWorkRepository } from './workRepository.js';

export interface FleetOptions {
  readonly seed: number;
  /** How long faults are injected. */
  readonly seconds: number;
  /** How long, after that, the rest of the work may take. */
  readonly calmSeconds: number;
  /** Of daemons. A machine that has much else to do needs longer ones: renewals must come through. */
  readonly leaseSeconds: number;
  /** How many of 100 calls of daemons have a fault. */
  readonly faultsPerHundred: number;
  /** Leave the directory with the repository, the agents' notes and the logs where it is. */
  readonly keep: boolean;
  readonly signal: AbortSignal;
  /** Told now and then how it goes, in one line. */
  readonly tell: (message: string) => void;
}

const DAEMONS = 4;
const SERVERS = 2;
const SLOTS = 2;
/** Daemons begin with a look at the repository and their agents; four at once on a machine that is busy take their time. */
const SERVING_MS = 180_000;
/** Longer than the longest fault lasts, over and over. */
const CALLS_REPEATED = 60;
/** A fault that repeats itself says the same. */
const MOST_ERRORS = 50;
const LOG_CHARS = 6_000;
/** Connections that fell silent are given up after 15 s. */
const SESSIONS_GONE_MS = 20_000;

/**
 * Does a backlog by four real daemons in one git repository, with a merge stage, through two real servers on a durable
 * PostgreSQL, while each of them is killed and stopped and the network between them ruined; then lets them finish in
 * peace, and compares what everybody saw with what there is.
 *
 * Nothing that it started is alive when it resolves or rejects.
 */
export async function runFleet(options: FleetOptions): Promise<FleetReport> {
  const { seed, tell } = options;
  const home = await realpath(await mkdtemp(join(tmpdir(), 'neolith-fleet-')));
  // PostgreSQL may run as another user.
  await chmod(home, 0o755);
  const logs = keepLogs(home);
  const processes = openProcesses(home);
  const closers: (() => Promise<unknown>)[] = [];
  const ending = new AbortController();
  const signal = AbortSignal.any([options.signal, ending.signal]);
  try {
    const report = await live();
    return report;
  } catch (error) {
    if (options.signal.aborted) throw error;
    throw new Error(`The fleet with seed ${seed}: ${(error as Error).message}\n${logs.tell()}`, {
      cause: error,
    });
  } finally {
    ending.abort(new Error('The run is over.'));
    await processes.endAll();
    for (const close of closers.reverse()) await close();
    await processes.close();
    if (options.keep) tell(`kept: ${home}`);
    else await rm(home, { recursive: true, force: true });
  }

  async function live(): Promise<FleetReport> {
    const random = seededRandom(seed);
    const faults = countFaults();
    const journal = createHttpJournal();
    const postgres = await startChaosPostgres(join(home, 'postgres'));
    closers.push(async () => {
      await postgres.start();
      await postgres.stop();
    });
    processes.watch('postgres', await postgres.pid());
    await migrate(postgres.url);
    const links = await startTcpProxy(() => Number(new URL(postgres.url).port));
    closers.push(() => links.close());
    const databaseUrl = new URL(postgres.url);
    databaseUrl.port = String(links.port);

    const servers: WebServer[] = [];
    for (let number = 1; number <= SERVERS; number += 1)
      servers.push(
        await startWebServer({
          name: `server-${number}`,
          databaseUrl: databaseUrl.href,
          home,
          processes,
          onOutput: logs.of('server'),
        }),
      );
    const token = await readToken(join(home, 'token'));
    const proxy = await startHttpProxy({
      servers: servers.map(({ port }) => port),
      random: seededRandom(seed + 1),
      journal,
      faults,
    });
    closers.push(() => proxy.close());
    const client = createClient({ baseUrl: proxy.url, token, repeats: CALLS_REPEATED });
    const orchestratorIds: string[] = [];
    for (const name of ['Atlas', 'Vega'])
      orchestratorIds.push(
        (
          await client.createOrchestrator({
            body: { name, role: 'Maintainer', discipline: 'Engineering', maxConcurrentTasks: 6 },
          })
        ).id,
      );
    const repository = await makeWorkRepository(home);
    const agent = await writeScriptedAgent(home);
    const daemons = startDaemonFleet({
      amount: DAEMONS,
      slots: SLOTS,
      leaseSeconds: options.leaseSeconds,
      url: proxy.url,
      token,
      directory: home,
      repository,
      agent,
      processes,
      onOutput: logs.of('daemon'),
    });
    await untilServing(client, signal);

    const prober = startProber(servers, token, signal);
    const feed = feedWork({ client, random, orchestratorIds, byHand: countFaults(), signal });
    // Awaited when the faults are over; until then it must not count as unhandled.
    feed.finished.catch(() => undefined);
    const beganMs = performance.now();
    proxy.faultsPerHundred = options.faultsPerHundred;
    await storm({ feed, beganMs, daemons, prober });
    proxy.faultsPerHundred = 0;
    feed.stopFeeding();
    const stormMs = performance.now() - beganMs;
    tell(`faults are over after ${Math.round(stormMs / 1_000)} s; waiting for the rest of the work`);
    const unfinished = await waitForRest(feed, client);
    const seconds = (performance.now() - beganMs) / 1_000;
    await prober.stop();

    const daemonTrouble = await daemons.stop();
    const tables = await readTables(postgres.url);
    const effects = await agent.readEffects();
    const evidence = {
      made: feed.made,
      accepted: journal.accepted,
      tables,
      effects,
      work: await repository.readWork(),
      commits: await repository.countCommits(),
    };
    const violations = [
      ...unfinished,
      ...journal.problems,
      ...prober.found.problems,
      ...judge(evidence),
      ...(await repository.findFaults()),
      ...daemonTrouble,
    ];
    const repairs = await recalculate(postgres.url);
    if (repairs > 0) violations.push(`recalculateAllStatuses repaired ${repairs}`);
    for (const server of servers) {
      const code = await server.stop();
      if (code !== 0) violations.push(`${server.name} ended with ${code}`);
    }
    violations.push(...(await waitForSessions(postgres.url)));
    // Of PostgreSQL's own only the main process names its directory; it is asked for the rest to come.
    const alive = (await findProcesses(home)).filter((line) => !line.includes(` -D ${home}`));
    violations.push(...alive.map((line) => `A process is left: ${line}`));

    const by = (rows: readonly { status: string }[]) => tally(rows.map(({ status }) => status));
    return {
      seed,
      seconds,
      faultSeconds: stormMs / 1_000,
      tasks: by(tables.tasks),
      runs: by(tables.runs),
      attempts: by(tables.attempts),
      losses: tables.events.filter(({ type }) => type === 'task.lease_lost').length,
      mergesFailed: tables.events.filter(({ type }) => type === 'task.merge_failed').length,
      agentsStarted: [...effects.values()].reduce((sum, { started }) => sum + started.length, 0),
      agentsEnded: [...effects.values()].reduce((sum, { ended }) => sum + ended.length, 0),
      accepted: journal.accepted.length,
      writesAccepted: journal.writesAccepted(),
      statuses: journal.statuses,
      faults: faults.counts,
      byHand: feed.byHand.counts,
      probes: prober.found,
      worktreesKept: await repository.countWorktrees(),
      repairs,
      violations,
      logs: violations.length === 0 ? '' : logs.tell(),
    };

    /** All series beside one another; one that fails ends the run. */
    async function storm(under: { feed: Feed; beganMs: number; daemons: DaemonFleet; prober: Prober }) {
      const series = planFaults(seed, options.seconds).map((plan) =>
        injectSeries(
          {
            postgres,
            links,
            servers,
            daemons: under.daemons,
            prober: under.prober,
            processes,
            leaseSeconds: options.leaseSeconds,
            random,
            faults,
          },
          plan,
          under.beganMs,
          signal,
        ),
      );
      const calm = new AbortController();
      const telling = tellNow(calm.signal, under);
      try {
        // A person's call that was refused ends the run as well.
        await Promise.race([
          Promise.all([...series, delay(options.seconds * 1_000, undefined, { signal })]),
          under.feed.finished,
        ]);
      } catch (error) {
        ending.abort(error);
        await processes.endAll();
        throw error;
      } finally {
        calm.abort();
        // Whoever took something away brings it back first, or fails at it because all is over.
        await Promise.allSettled([...series, telling]);
      }
    }

    async function tellNow(
      until: AbortSignal,
      { feed: fed, beganMs: sinceMs }: { feed: Feed; beganMs: number },
    ) {
      while (!until.aborted) {
        await delay(10_000, undefined, { signal: until }).catch(() => undefined);
        if (until.aborted) return;
        const sum = [...faults.counts.values()].reduce((all, times) => all + times, 0);
        tell(
          `${Math.round((performance.now() - sinceMs) / 1_000)} s: ${fed.made.length} runs, ` +
            `${journal.accepted.filter(({ status }) => status === 'DONE').length} merges accepted, ${sum} faults`,
        );
      }
    }
  }

  async function waitForRest(feed: Feed, client: NeolithClient): Promise<string[]> {
    const limit = delay(options.calmSeconds * 1_000, 'late' as const, { signal });
    limit.catch(() => undefined);
    if ((await Promise.race([feed.finished, limit])) !== 'late') return [];
    const open: string[] = [];
    for (const { id } of feed.made) {
      const { status, counts } = await client.getRun({ params: { id } });
      if (status !== 'SUCCEEDED') open.push(`${id} is ${status} with ${JSON.stringify(counts)}`);
    }
    // The last of it was done while we looked.
    if (open.length === 0) return [];
    ending.abort(new Error('The rest took too long.'));
    return [`Not all was done ${options.calmSeconds} s after the faults: ${open.join('; ')}`];
  }

  async function waitForSessions(url: string): Promise<string[]> {
    const deadline = performance.now() + SESSIONS_GONE_MS;
    for (;;) {
      const left = await readSessions(url);
      if (left.length === 0 || performance.now() > deadline)
        return left.map((what) => `There is left in PostgreSQL: ${what}`);
      await delay(200);
    }
  }
}

async function recalculate(url: string): Promise<number> {
  const database = openDatabase(url);
  const engine = createWorkEngine(database);
  try {
    const [workspace] = await database.prisma.workspace.findMany();
    const mine = engine.as({ workspaceId: formatId('workspace', workspace?.id as string) });
    const { repaired, runs } = await mine.recalculateAllStatuses();
    return repaired.length + runs.length;
  } finally {
    await engine.close();
    await database.close();
  }
}

async function readToken(file: string): Promise<string> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    try {
      return (await readFile(file, 'utf8')).trim();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(50);
    }
  }
}

async function untilServing(client: NeolithClient, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + SERVING_MS;
  for (;;) {
    const { daemons } = await client.listDaemons({ signal });
    if (daemons.length === DAEMONS) return;
    if (performance.now() > deadline) throw new Error(`Only ${daemons.length} daemons have registered`);
    await delay(100, undefined, { signal });
  }
}

function tally(words: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

/** What processes printed: in a file each kind, of which the end can be told, and before it what was an error to them. */
function keepLogs(directory: string) {
  const kept = new Map<string, string>();
  const errors: string[] = [];
  return {
    of: (kind: string) => (text: string) => {
      kept.set(kind, ((kept.get(kind) ?? '') + text).slice(-LOG_CHARS));
      for (const line of text.split('\n')) {
        if (line.includes('"level":"error"') && errors.length < MOST_ERRORS) errors.push(`${kind}: ${line}`);
      }
      appendFileSync(join(directory, `${kind}.log`), text);
    },
    tell: () =>
      ['--- errors', ...errors, ...[...kept].map(([kind, text]) => `--- ${kind}\n${text}`)].join('\n'),
  };
}
