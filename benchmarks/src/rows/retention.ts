import pg from 'pg';
import { type Phase, startClaimers } from '../bulk/claimers.js';
import { openEngine } from '../fills/openEngine.js';
import type { Benchmark } from '../harness/benchmark.js';
import { percentile } from '../harness/statistics.js';

const EVENTS = Number(process.env.RETENTION_EVENTS ?? 1_000_000);
const PER_SECOND = 500;
const ALONE_SECONDS = 10;
/** As servers do. */
const SWEEP_EVERY_MS = 2_000;
const STANDING = 2_000;

export const retention: Benchmark = {
  name: 'retention',
  title: 'Trimming events',
  about: `${EVENTS.toLocaleString('en-US')} events that are older than their workspace keeps them are removed by the sweep, every ${SWEEP_EVERY_MS / 1_000} s for a quarter of a second, as
servers do it, while two processes claim and complete ${PER_SECOND} tasks a second, one per call. Beside it: the same claims with nothing to
remove, before and after.`,
  describeRounds: () => 'One run',
  async run({ startPostgres, say }) {
    const server = await startPostgres();
    const url = await server.createDatabase('retention');
    const { engine, unscoped, close } = await openEngine(url, { poolSize: 4 });
    const { id: orchestratorId } = await engine.createOrchestrator({
      name: 'Benchmark',
      role: 'Runner',
      discipline: 'Nothing',
      maxConcurrentTasks: 1_000,
    });
    const client = new pg.Client(url);
    await client.connect();
    const claimers = startClaimers(2, url, orchestratorId);
    const sizes: number[] = [];
    const measureSize = async () => {
      const { rows } = await client.query<{ mb: number }>(
        `SELECT pg_total_relation_size('events')::float8 / 1e6 AS mb`,
      );
      sizes.push(rows[0]?.mb ?? Number.NaN);
    };
    const feed = async (amount: number) => {
      await engine.createTasks(
        Array.from({ length: amount }, () => ({ title: 'No-op', orchestratorId, priority: 'HIGH' as const })),
      );
    };
    /** Claims at an even pace, with as many new tasks, for some time or until the work beside them is done. */
    const paced = async (what: string, beside: () => Promise<void>): Promise<Phase> => {
      let over = false;
      const feeding = (async () => {
        const start = performance.now();
        for (let fed = 0; !over; ) {
          const due = Math.floor(((performance.now() - start) / 1_000) * PER_SECOND) - fed;
          if (due > 0) await feed(due);
          fed += due;
          await rest(500);
        }
      })();
      const claiming = claimers.run({ do: 'pace', perSecond: PER_SECOND / 2 }, {});
      await beside();
      over = true;
      await feeding;
      claimers.stop();
      const phase = await claiming;
      say(`${what}: ${phase.done} done, claim p95 ${p95(phase).toFixed(2)} ms`);
      return phase;
    };
    try {
      say('filling');
      await engine.updateWorkspace({ eventRetentionDays: null });
      for (let made = 0; made < EVENTS; made += 100_000)
        await client.query(OLD_EVENTS, [made, Math.min(made + 100_000, EVENTS) - 1]);
      await measureSize();
      await feed(STANDING);
      await claimers.run({ do: 'pace', perSecond: PER_SECOND / 2 }, { seconds: 3 });
      const before = await paced('nothing to remove', () => rest(ALONE_SECONDS * 1_000));
      let sweeps = 0;
      let removed = 0;
      let busyMs = 0;
      const start = performance.now();
      const beside = await paced('removing', async () => {
        await engine.updateWorkspace({ eventRetentionDays: 90 });
        while (removed < EVENTS) {
          const began = performance.now();
          const { trimmed } = await unscoped.sweepExpiredLeases();
          busyMs += performance.now() - began;
          sweeps += 1;
          removed += trimmed;
          if (trimmed === 0) break;
          if (removed < EVENTS) await rest(SWEEP_EVERY_MS);
        }
      });
      const seconds = (performance.now() - start) / 1_000;
      if (removed !== EVENTS) throw new Error(`${removed} of ${EVENTS} events were removed`);
      await measureSize();
      const after = await paced('removed', () => rest(ALONE_SECONDS * 1_000));
      await measureSize();
      const phases = [before, beside, after];
      return {
        tables: [
          {
            title: 'How long a claim takes',
            unit: 'ms',
            along: 'events',
            points: ['nothing to remove', 'removing', 'removed'],
            rows: [0.5, 0.95, 0.99].map((share) => ({
              name: `p${share * 100}`,
              samples: phases.map((phase) => [
                percentile(
                  phase.claims.map(({ ms }) => ms),
                  share,
                ),
              ]),
            })),
            plot: 'bars',
          },
          {
            title: 'Size of the table of events with its indexes',
            unit: 'MB',
            along: 'when',
            points: ['before', 'removed', 'a quarter of a minute later'],
            rows: [{ name: 'events', samples: sizes.map((size) => [size]) }],
            plot: 'none',
          },
        ],
        verdicts: [
          {
            what: 'claim p95 while events are removed ÷ before',
            value: p95(beside) / p95(before),
            aim: { at: 'most', bound: 2 },
          },
          { what: 'events removed a second of sweeping', value: removed / (busyMs / 1_000), aim: null },
          { what: 'seconds from the first to the last', value: seconds, unit: 's', aim: null },
          { what: 'sweeps', value: sweeps, aim: null },
        ],
      };
    } finally {
      await claimers.end();
      await client.end();
      await close();
    }
  },
};

/** Three a task, as long as real ones are, of a hundred days ago. */
const OLD_EVENTS = `
  INSERT INTO events (workspace_id, task_id, attempt_id, orchestrator_id, at, type, actor, "from", "to", data)
  SELECT o.workspace_id, md5((n / 3)::text)::uuid, CASE WHEN n % 3 > 0 THEN md5('a' || n / 3)::uuid END, o.id,
         now() - interval '100 days' + n * interval '1 millisecond',
         (ARRAY['task.created', 'task.claimed', 'task.completed'])[n % 3 + 1], 'library',
         (ARRAY[NULL, 'TODO', 'IN_PROGRESS'])[n % 3 + 1], (ARRAY['TODO', 'IN_PROGRESS', 'DONE'])[n % 3 + 1],
         CASE WHEN n % 3 = 2 THEN jsonb_build_object('attempt', 1, 'ended', 'SUCCEEDED', 'seconds', 0.25) END
  FROM orchestrators o CROSS JOIN generate_series($1::int, $2::int) n`;

function p95(phase: Phase): number {
  return percentile(
    phase.claims.map(({ ms }) => ms),
    0.95,
  );
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
