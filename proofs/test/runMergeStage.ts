import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createClient, type EngineEvent, type Run } from '@neolith/contracts';
import { openDatabase } from '@neolith/database';
import { createTestDatabase } from '@neolith/database/testing';
import { startServer } from '../../apps/web/test/startServer.js';
import { watchDatabase } from '../../packages/work-engine/test/runs/support/watch.js';
import { checkRunHistory } from './checkRunHistory.js';

const program = fileURLToPath(new URL('./mergeDaemon.mjs', import.meta.url));

export interface MergeStageReport {
  run: Run;
  seconds: number;
  violations: string[];
  breaches: string[];
  granted: number;
  failed: number;
  /** As the merges themselves wrote it down, and as the history tells it. */
  mostMergesAtOnce: number;
  mostGrantedAtOnce: number;
  /** How many were in the queue at most, and how many daemons merged. */
  longestQueue: number;
  daemons: number;
  /** From the SIGKILL of the daemon that held a slot until the next merge could take it; milliseconds. */
  slotFreeAfterMs: number;
}

/** Executes a run of tasks that are only to be merged by eight daemons, one of which is killed while it holds a slot. */
export async function runMergeStage(options: {
  tasks: number;
  maxConcurrentMerges: number;
  timeLimitMs: number;
}): Promise<MergeStageReport> {
  const home = await mkdtemp(join(tmpdir(), 'neolith-merges-'));
  const ledger = join(home, 'ledger');
  await writeFile(ledger, '');
  const test = await createTestDatabase();
  const database = openDatabase(test.url);
  await watchDatabase(database.pool);
  const server = await startServer({ databaseUrl: test.url, home });
  const token = await server.token();
  const client = createClient({ baseUrl: server.url, token });
  const children: ChildProcess[] = [];
  let logs = '';
  try {
    for (const name of ['Atlas', 'Vega'])
      await client.createOrchestrator({ body: { name, role: 'r', discipline: 'd', maxConcurrentTasks: 50 } });
    const { orchestrators } = await client.listOrchestrators();
    const { id: runId } = await client.createRun({
      body: {
        name: 'Merges',
        config: {
          mergeStage: true,
          maxConcurrentTasks: 24,
          maxConcurrentMerges: options.maxConcurrentMerges,
          failurePolicy: 'continue',
        },
        tasks: Array.from({ length: options.tasks }, (_, index) => ({
          title: `Task ${index}`,
          orchestratorId: orchestrators[index % 2]?.id ?? null,
        })),
      },
    });
    const names = Array.from({ length: 8 }, (_, index) => `merger-${index}`);
    for (const [index, name] of names.entries()) {
      const child = spawn(process.execPath, [program, name, ledger, index === 0 ? 'hangs' : 'merges'], {
        env: { PATH: process.env.PATH, HOME: home, NEOLITH_URL: server.url, NEOLITH_TOKEN: token },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      child.stderr?.setEncoding('utf8').on('data', (part: string) => {
        logs = (logs + part).slice(-50_000);
      });
      children.push(child);
    }
    const deadline = performance.now() + options.timeLimitMs;
    const until = async (
      what: string,
      look: (lines: string[]) => boolean | Promise<boolean>,
    ): Promise<void> => {
      while (!(await look((await readFile(ledger, 'utf8')).split('\n')))) {
        if (performance.now() > deadline) throw new Error(`Not in time: ${what}`);
        await delay(30);
      }
    };
    await until(
      'all daemons serve',
      (lines) => lines.filter((line) => line.startsWith('ready')).length === 8,
    );
    const start = performance.now();
    await client.startRun({ params: { id: runId }, body: {} });
    await until('one holds a slot', (lines) => lines.some((line) => line.startsWith('hangs')));
    // All others stand behind it, or share what slots there are besides.
    await delay(500);
    const killedAt = Date.now();
    children[0]?.kill('SIGKILL');
    let run: Run;
    for (;;) {
      run = await client.getRun({ params: { id: runId } });
      if (run.finishedAt !== null) break;
      if (performance.now() > deadline) throw new Error(`Not over in time: ${JSON.stringify(run.counts)}`);
      await delay(50);
    }
    const seconds = (performance.now() - start) / 1_000;
    const history: EngineEvent[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await client.getRunHistory({
        params: { id: runId },
        query: { limit: 500, ...(cursor ? { cursor } : {}) },
      });
      history.push(...page.events);
      if (page.events.length < 500) break;
      cursor = page.cursor;
    }
    const known = await checkRunHistory(database.pool, runId, history);
    const { rows } = await database.pool.query<{ what: string }>(
      'SELECT what FROM watch.breaches ORDER BY n',
    );
    const replayed = replayMerges(history, options.maxConcurrentMerges);
    const lines = (await readFile(ledger, 'utf8')).trim().split('\n');
    return {
      run,
      seconds,
      violations: [...known.violations, ...replayed.violations],
      breaches: rows.map(({ what }) => what),
      granted: replayed.granted,
      failed: history.filter(({ type }) => type === 'task.merge_failed').length,
      mostGrantedAtOnce: replayed.mostAtOnce,
      longestQueue: replayed.longestQueue,
      ...overlap(lines),
      slotFreeAfterMs:
        (history
          .find(({ type, at }) => type === 'task.lease_lost' && at.getTime() > killedAt)
          ?.at.getTime() ?? Number.NaN) - killedAt,
    };
  } catch (error) {
    throw new Error(
      `${(error as Error).message}\nServer:\n${server.output().slice(-3_000)}\nDaemons:\n${logs.slice(-3_000)}`,
      {
        cause: error,
      },
    );
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await server.stop('SIGKILL');
    await database.close();
    await test.drop();
    await rm(home, { recursive: true, force: true });
  }
}

/** The queue once more, from the history alone: whose code was complete first, by time and id, is granted first. */
function replayMerges(history: readonly EngineEvent[], limit: number) {
  const report = { violations: [] as string[], granted: 0, mostAtOnce: 0, longestQueue: 0 };
  const waiting = new Map<string, { at: number; id: string }>();
  const merging = new Set<string>();
  const number = ({ cursor }: EngineEvent) => Number(cursor.split('.')[2]);
  for (const { type, taskId, from, to, at } of [...history].sort((a, b) => number(a) - number(b))) {
    if (taskId === null) continue;
    if (to === 'MERGING') waiting.set(taskId, { at: at.getTime(), id: taskId });
    if (type === 'task.merge_granted') {
      const mine = waiting.get(taskId);
      waiting.delete(taskId);
      merging.add(taskId);
      report.granted += 1;
      // Those in front that have not asked yet each keep a slot free.
      const before = [...waiting.values()].filter(
        (other) => mine !== undefined && (other.at < mine.at || (other.at === mine.at && other.id < mine.id)),
      );
      if (merging.size + before.length > limit)
        report.violations.push(
          `${taskId} was granted with ${merging.size} merging and ${before.length} before it`,
        );
    }
    if (from === 'MERGING') {
      waiting.delete(taskId);
      merging.delete(taskId);
    }
    report.mostAtOnce = Math.max(report.mostAtOnce, merging.size);
    report.longestQueue = Math.max(report.longestQueue, waiting.size);
  }
  return report;
}

/** How many merges really went on at once, by the order of the lines; the one that was killed ended nothing. */
function overlap(lines: readonly string[]): { mostMergesAtOnce: number; daemons: number } {
  const hung = new Set(lines.filter((line) => line.startsWith('hangs')).map((line) => line.split(' ')[1]));
  const merging = new Set<string | undefined>();
  const daemons = new Set<string | undefined>();
  let most = 0;
  for (const line of lines) {
    const [word, attempt, daemon] = line.split(' ');
    if (hung.has(attempt)) continue;
    if (word === 'begin') merging.add(attempt);
    if (word === 'end') {
      merging.delete(attempt);
      daemons.add(daemon);
    }
    most = Math.max(most, merging.size);
  }
  return { mostMergesAtOnce: most, daemons: daemons.size };
}
