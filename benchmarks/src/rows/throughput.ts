import { graphileContestant } from '../contestants/graphileContestant.js';
import { neolithContestant } from '../contestants/neolithContestant.js';
import type { Benchmark } from '../harness/benchmark.js';
import { interleave } from '../harness/interleave.js';
import { median } from '../harness/statistics.js';

const IN_FLIGHT = [8, 32, 128, 512];

export const throughput: Benchmark = {
  name: 'throughput',
  title: 'Claim and complete',
  quick: true,
  about: `An operation is one no-op task, claimed and completed, one per call, from one process with so many calls in flight.
Ours checks a limit, leases each task, keeps each attempt, and writes two events a task into its history; the others keep
less. Filling the queue is not measured.`,
  async run({ rounds, quick, startPostgres, say }) {
    const points = quick ? [32] : IN_FLIGHT;
    const server = await startPostgres();
    const contestants = [
      await neolithContestant(await server.createDatabase('neolith'), 10_000),
      await graphileContestant(await server.createDatabase('graphile'), 10_000),
    ];
    const rows = contestants.map(({ name }) => ({ name, samples: [] as number[][] }));
    try {
      for (const inFlight of points) {
        say(`${inFlight} in flight`);
        const samples = await interleave(contestants, rounds, async (contestant) => {
          await contestant.fill(contestant.tasks);
          const start = performance.now();
          await contestant.drain(contestant.tasks, inFlight);
          return contestant.tasks / ((performance.now() - start) / 1_000);
        });
        samples.forEach((values, index) => {
          rows[index]?.samples.push(values);
        });
      }
    } finally {
      for (const contestant of contestants) await contestant.close();
    }
    const [ours, plain] = rows.map(({ samples }) => samples.map(median));
    return {
      tables: [{ title: 'Claim and complete', unit: 'tasks/s', along: 'in flight', points, rows }],
      verdicts: points.map((inFlight, index) => ({
        what: `ours ÷ graphile-worker, ${inFlight} in flight`,
        value: (ours?.[index] ?? 0) / (plain?.[index] ?? 0),
        aim: inFlight >= 32 ? { at: 'least' as const, bound: quick ? 1 : 8 } : null,
      })),
    };
  },
};
