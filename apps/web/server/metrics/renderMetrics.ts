import { BREAKER_STATUSES } from '@neolith/contracts';
import type { Database } from '@neolith/database';
import { Gauge, Registry } from 'prom-client';
import { VERSION } from '../version';
import { SCRAPE_METRICS } from './metricTable';
import { processRegistry } from './processMetrics';
import type { DatedFigures } from './readFigures';

export const CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

export interface MetricsInput {
  /** Null: the database has not been opened yet. */
  readonly pools: Pick<Database, 'pool' | 'vitalPool' | 'transactionPool'> | null;
  /** Null: the database does not answer. */
  readonly figures: DatedFigures | null;
}

/** The metrics of this process and the figures of one workspace, in Prometheus' text form. */
export async function renderMetrics({ pools, figures }: MetricsInput): Promise<string> {
  // Of its own for each scrape: an orchestrator that is gone is gone, and no workspace sees another's.
  const registry = new Registry();
  const gauge = (name: keyof typeof SCRAPE_METRICS) => {
    const row = SCRAPE_METRICS[name];
    return new Gauge<string>({
      name: row.name,
      help: row.help,
      labelNames: [...row.labels],
      registers: [registry],
    });
  };
  gauge('buildInfo').set({ version: VERSION }, 1);
  gauge('databaseUp').set(figures === null ? 0 : 1);
  if (pools !== null) {
    const connections = gauge('poolConnections');
    const max = gauge('poolMax');
    const waiting = gauge('poolWaiting');
    const named = [
      ['ordinary', pools.pool],
      ['vital', pools.vitalPool],
      ['keyed', pools.transactionPool],
    ] as const;
    for (const [name, pool] of named) {
      connections.set({ pool: name, state: 'in_use' }, pool.totalCount - pool.idleCount);
      connections.set({ pool: name, state: 'idle' }, pool.idleCount);
      max.set({ pool: name }, pool.options.max);
      waiting.set({ pool: name }, pool.waitingCount);
    }
  }
  if (figures !== null) {
    gauge('figuresAge').set((performance.now() - figures.readMs) / 1_000);
    const tasks = gauge('queueTasks');
    const oldest = gauge('queueOldest');
    for (const queue of figures.figures.queues) {
      const whose = { orchestrator: queue.orchestratorId ?? 'other', name: queue.name ?? 'other' };
      for (const state of ['ready', 'delayed', 'blocked', 'running'] as const) {
        tasks.set({ ...whose, state }, queue[state]);
      }
      oldest.set(whose, queue.oldestReadySeconds);
    }
    const breakers = gauge('breakerStatus');
    for (const { agent, provider, status } of figures.figures.breakers)
      for (const one of BREAKER_STATUSES)
        breakers.set({ agent, provider, status: one }, one === status ? 1 : 0);
    const { held, attemptsWaiting, tasksWaiting, oldestWaitSeconds } = figures.figures.resources;
    gauge('resourcesHeld').set(held);
    const waits = gauge('resourcesWaiting');
    waits.set({ who: 'attempts' }, attemptsWaiting);
    waits.set({ who: 'tasks' }, tasksWaiting);
    gauge('resourcesOldest').set(oldestWaitSeconds);
    const runs = gauge('runsOpen');
    for (const status of ['RUNNING', 'PAUSED', 'QUARANTINED'] as const) {
      runs.set({ status }, figures.figures.runs[status] ?? 0);
    }
    gauge('unassigned').set(figures.figures.unassigned);
    gauge('daemonsAlive').set(figures.figures.daemonsAlive);
  }
  return `${await processRegistry().metrics()}\n${await registry.metrics()}`;
}
