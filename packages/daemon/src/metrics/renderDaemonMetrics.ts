import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { DaemonLook } from '../worker/createDaemon.js';
import { DAEMON_METRICS } from './daemonMetricTable.js';

const PHASES = ['running', 'ending', 'merging', 'settling'] as const;

export const METRICS_CONTENT_TYPE: string = Registry.PROMETHEUS_CONTENT_TYPE;

let processes: Registry | null = null;

/** Of this process itself: memory, processor, event loop. Watched from the first time somebody asks. */
function processRegistry(): Registry {
  if (processes === null) {
    processes = new Registry();
    collectDefaultMetrics({ register: processes });
  }
  return processes;
}

/** A look at a daemon in Prometheus' text form, with the metrics of its process. */
export async function renderDaemonMetrics(look: DaemonLook): Promise<string> {
  const registry = new Registry();
  const options = (name: keyof typeof DAEMON_METRICS) => {
    const row = DAEMON_METRICS[name];
    return { name: row.name, help: row.help, labelNames: [...row.labels] as string[], registers: [registry] };
  };
  new Gauge(options('up')).set(look.status === 'active' ? 1 : 0);
  const slots = new Gauge(options('slots'));
  slots.set({ state: 'taken' }, look.slotsTaken);
  slots.set({ state: 'free' }, Math.max(0, look.slots - look.slotsTaken));
  const attempts = new Gauge(options('attempts'));
  for (const phase of PHASES) {
    attempts.set({ phase }, look.attempts.filter((one) => one.phase === phase).length);
  }
  const ended = new Counter(options('ended'));
  for (const [result, count] of Object.entries(look.results)) ended.inc({ result }, count);
  const memory = new Gauge(options('agentMemory'));
  const processors = new Gauge(options('agentProcessors'));
  const members = new Gauge(options('agentProcesses'));
  for (const { agent, health } of look.attempts) {
    memory.inc({ agent }, health?.memoryBytes ?? 0);
    processors.inc({ agent }, health?.cpuShare ?? 0);
    members.inc({ agent }, health?.processes ?? 0);
  }
  const failed = new Counter(options('callsFailed'));
  for (const { call, code, count } of look.failedCalls) failed.inc({ call, code }, count);
  const age = new Gauge(options('heartbeatAge'));
  // One without labels begins as 0, and an age that nobody knows is not 0.
  if (look.heartbeatAgeMs === null) age.remove();
  else age.set(look.heartbeatAgeMs / 1_000);
  return `${await registry.metrics()}\n${await processRegistry().metrics()}`;
}
