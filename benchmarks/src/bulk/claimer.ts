import { openDatabase } from '@neolith/database';
import { createWorkEngine } from '@neolith/work-engine';
import type { ClaimerOrder, ClaimerReport } from './claimers.js';

// One of several claimers, a process of its own: node claimer.js URL ORCHESTRATOR. Does what its parent orders.
const [url = '', orchestratorId = ''] = process.argv.slice(2);
const database = openDatabase(url, { poolSize: 6 });
const engine = createWorkEngine(database);
const TICK_MS = 20;
const REPORT_MS = 50;
/** Paced calls that may be under way; beyond that the pace isn't held, and the report shows it. */
const OUTSTANDING_MAX = 128;

let stopped = false;
let done = 0;
let claims: [at: number, ms: number][] = [];

function report(isOver: boolean): void {
  process.send?.({ done, claims, isOver } satisfies ClaimerReport);
  done = 0;
  claims = [];
}

async function doOne(): Promise<boolean> {
  const start = performance.now();
  const { claims: got } = await engine.claimNextTask(orchestratorId);
  claims.push([Date.now(), performance.now() - start]);
  const [claim] = got;
  if (claim === undefined) return false;
  await engine.completeTask(claim.task.id, { status: 'completed', attemptId: claim.attempt.id });
  done += 1;
  return true;
}

async function drain(inFlight: number): Promise<void> {
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (!stopped && (await doOne()));
    }),
  );
}

/** Calls at an even pace, those of one tick at once. */
async function pace(perSecond: number): Promise<void> {
  const outstanding = new Set<Promise<boolean>>();
  const start = performance.now();
  let issued = 0;
  while (!stopped) {
    const due = Math.floor(((performance.now() - start) / 1_000) * perSecond);
    for (; issued < due; issued += 1) {
      if (outstanding.size >= OUTSTANDING_MAX) continue;
      const call = doOne();
      outstanding.add(call);
      call.then(() => outstanding.delete(call), fail);
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  await Promise.all(outstanding);
}

function fail(error: unknown): never {
  console.error(error);
  process.exit(1);
}

async function obey(order: ClaimerOrder): Promise<void> {
  if (order.do === 'stop') {
    stopped = true;
    return;
  }
  if (order.do === 'end') {
    await engine.close();
    await database.close();
    process.disconnect();
    return;
  }
  stopped = false;
  const reporting = setInterval(() => report(false), REPORT_MS);
  await (order.do === 'drain' ? drain(order.inFlight) : pace(order.perSecond));
  clearInterval(reporting);
  report(true);
}

process.on('message', (order: ClaimerOrder) => {
  obey(order).catch(fail);
});
