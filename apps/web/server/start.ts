import { bootstrap } from './bootstrap/bootstrap';
import { answerDirectly } from './direct/answerDirectly';
import { getRuntime } from './engine';
import { log } from './log';
import { measureReach } from './loops/measureReach';
import { createReconciler } from './loops/reconcile';
import { supervise } from './loops/supervise';
import { sweep } from './loops/sweep';
import { beginShutdown, shutdownSignal } from './shutdown';
import { startTracing, stopTracing } from './tracing';

const KEY = Symbol.for('neolith.web.started');
const holder = globalThis as { [KEY]?: true };

const FIRST_START_RETRY_MS = 1_000;
const SWEEP_EVERY_MS = 2_000;
/** Each round looks at 10,000 tasks: all of a million within an hour, for two hundredths of one processor. */
const RECONCILE_EVERY_MS = 30_000;
/** Shorter ones leave a daemon time to renew what it holds. */
const BREAK_MS = 5_000;

/**
 * What runs beside the routes: the first start's work, tried until it succeeds, and the sweeper. Returns at once, so
 * that the server answers (with 503 where it must) while its database is still on the way.
 */
export function startServer(): void {
  if (holder[KEY] === true) return;
  holder[KEY] = true;
  endOnSignal();
  startTracing().catch((error: unknown) => log.warn({ err: error }, 'No traces are sent'));
  if (process.env.NODE_ENV === 'production') answerDirectly();
  const signal = shutdownSignal();
  const reach = measureReach({ breakMs: SWEEP_EVERY_MS + BREAK_MS });
  const loops = [
    {
      name: 'first start',
      everyMs: FIRST_START_RETRY_MS,
      round: async () => {
        await bootstrap();
        return 'done' as const;
      },
    },
    {
      name: 'sweep',
      everyMs: SWEEP_EVERY_MS,
      round: async () => {
        const { database, engine } = await getRuntime();
        // Asked for before, since a break ends with the first round that succeeds after it.
        await database.pool.query('SELECT 1');
        const reachableSeconds = reach.note();
        return (await sweep(database, engine, { reachableSeconds }))
          ? ('again' as const)
          : ('skipped' as const);
      },
    },
  ];
  let reconcile: (() => Promise<boolean>) | null = null;
  const reconciling = {
    name: 'reconcile',
    everyMs: RECONCILE_EVERY_MS,
    round: async () => {
      const { database, engine } = await getRuntime();
      reconcile ??= createReconciler(database, engine);
      return (await reconcile()) ? ('again' as const) : ('skipped' as const);
    },
  };
  for (const loop of [...loops, reconciling]) void supervise(loop, signal);
}

/**
 * Next closes its server by itself on a signal, and waits for open answers: streams must be told to end, or it would
 * wait for ever. It then exits with 128 + signal; an end that was asked for and went well is a 0.
 */
function endOnSignal(): void {
  const onSignal = (signal: NodeJS.Signals) => {
    if (shutdownSignal().aborted) process.exit(1);
    log.info({ signal }, 'Ending: streams are closed, calls under way are finished');
    beginShutdown();
    void stopTracing();
    process.once('exit', () => {
      process.exitCode = 0;
    });
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}
