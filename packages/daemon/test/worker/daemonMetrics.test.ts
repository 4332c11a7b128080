import { request } from 'node:http';
import { NeolithError } from '@neolith/contracts';
import { afterEach, expect, it } from 'vitest';
import { DAEMON_METRICS, type DaemonMetricsServer, serveDaemonMetrics } from '../../src/metrics/index.js';
import { openWorkplace, readPidFile, until } from './support/workplace.js';

const work = openWorkplace();
const servers: DaemonMetricsServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

/** As a scraper reads it. */
async function scrape(port: number): Promise<Map<string, number>> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const series = new Map<string, number>();
  for (const line of (await response.text()).split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const end = line.lastIndexOf(' ');
    series.set(line.slice(0, end), Number(line.slice(end + 1)));
  }
  return series;
}

it('tells its slots, attempts by phase, results, failed calls and the age of its heartbeat', async () => {
  const gate = work.path('gate');
  const pids = work.path('pids');
  const orchestrator = await work.orchestrator();
  for (let n = 0; n < 2; n += 1)
    await work.task(orchestrator, { title: 'Secret title', metadata: { gate, pids } });
  const daemon = work.daemon({ orchestrators: [orchestrator.id], slots: 3, leaseSeconds: 3 });
  const server = await serveDaemonMetrics(0, () => daemon.look());
  servers.push(server);
  const before = await scrape(server.port);
  expect(before.get('neolith_daemon_up')).toBe(0);
  expect(before.has('neolith_daemon_heartbeat_age_seconds')).toBe(false);

  await daemon.start();
  await until(() => readPidFile(pids).length === 2, 'two agents');
  await until(() => (daemon.look().heartbeatAgeMs ?? null) !== null, 'a heartbeat');
  const during = await scrape(server.port);
  expect(during.get('neolith_daemon_up')).toBe(1);
  expect(during.get('neolith_daemon_slots{state="taken"}')).toBe(2);
  expect(during.get('neolith_daemon_slots{state="free"}')).toBe(1);
  expect(during.get('neolith_daemon_attempts{phase="running"}')).toBe(2);
  expect(during.get('neolith_daemon_heartbeat_age_seconds')).toBeLessThan(3);
  expect(during.get('process_resident_memory_bytes')).toBeGreaterThan(1_000_000);

  work.server.fault = ({ name }) => (name === 'daemonHeartbeat' ? { kind: 'answer', status: 503 } : null);
  const failed = 'neolith_daemon_calls_failed_total{call="daemonHeartbeat",code="SERVER_UNREACHABLE"}';
  await until(async () => ((await scrape(server.port)).get(failed) ?? 0) >= 2, 'two failures');
  work.server.fault = () => null;

  await work.open(gate);
  await until(() => daemon.attempts().length === 0, 'the end of both');
  const after = await scrape(server.port);
  expect(after.get('neolith_daemon_attempts_ended_total{result="completed"}')).toBe(2);
  expect(after.get('neolith_daemon_attempts{phase="running"}')).toBe(0);
  // What its tasks are about is nobody's on the machine.
  expect([...after.keys()].join('\n')).not.toMatch(/Secret title|task_|att_/);
});

it('answers to this machine under its own names, and to nothing but its two addresses', async () => {
  const orchestrator = await work.orchestrator();
  const daemon = work.daemon({ orchestrators: [orchestrator.id] });
  const server = await serveDaemonMetrics(0, () => daemon.look());
  servers.push(server);
  const ask = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    new Promise<number>((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port: server.port, path, method, headers }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      sent.once('error', reject);
      sent.end();
    });
  expect(await ask('/livez')).toBe(200);
  expect(await ask('/metrics', { host: 'evil.example' })).toBe(403);
  expect(await ask('/metrics', {}, 'POST')).toBe(405);
  expect(await ask('/')).toBe(404);
  await expect(serveDaemonMetrics(server.port, () => daemon.look())).rejects.toMatchObject({
    code: 'EADDRINUSE',
  });
});

it('has every metric of the table, of its type', async () => {
  const orchestrator = await work.orchestrator();
  const daemon = work.daemon({ orchestrators: [orchestrator.id] });
  const server = await serveDaemonMetrics(0, () => ({ ...daemon.look(), heartbeatAgeMs: 5 }));
  servers.push(server);
  const text = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
  for (const { name, type } of Object.values(DAEMON_METRICS))
    expect(text).toContain(`# TYPE ${name} ${type}\n`);
  const told = [...text.matchAll(/^# TYPE (neolith_\S+) /gm)].map(([, name]) => name);
  expect(told.sort()).toEqual(
    Object.values(DAEMON_METRICS)
      .map(({ name }) => name as string)
      .sort(),
  );
});

it('sums up what the agents use, by agent', async () => {
  const orchestrator = await work.orchestrator();
  const daemon = work.daemon({ orchestrators: [orchestrator.id] });
  const health = {
    at: new Date(),
    runningMs: 1,
    silentMs: 1,
    idleMs: 1,
    cpuMs: 1,
    cpuShare: 0.5,
    memoryBytes: 1_000,
    processes: 2,
  };
  const one = { phase: 'running', agent: 'claude', health } as const;
  const server = await serveDaemonMetrics(0, () => ({
    ...daemon.look(),
    attempts: [one, one, { ...one, agent: 'aider', health: null }],
    failedCalls: [{ call: 'claimTasks', code: new NeolithError('OVERLOADED', 'x').code, count: 4 }],
  }));
  servers.push(server);
  const series = await scrape(server.port);
  expect(series.get('neolith_daemon_agent_memory_bytes{agent="claude"}')).toBe(2_000);
  expect(series.get('neolith_daemon_agent_processors{agent="claude"}')).toBe(1);
  expect(series.get('neolith_daemon_agent_processes{agent="claude"}')).toBe(4);
  expect(series.get('neolith_daemon_agent_memory_bytes{agent="aider"}')).toBe(0);
  expect(series.get('neolith_daemon_calls_failed_total{call="claimTasks",code="OVERLOADED"}')).toBe(4);
});
