import type { Daemon, OrchestratorOverview } from '@neolith/contracts';
import { neolithHome } from '@neolith/database';
import { type ConnectionFlags, resolveConnection } from '../connection/resolveConnection.js';
import { formatTable } from '../output/table.js';
import { plainLine, type Terminal } from '../output/terminal.js';

/** `neolith status`: all of the workspace at a glance. */
export async function status(terminal: Terminal, options: ConnectionFlags & { json?: true }): Promise<void> {
  const { client, url } = resolveConnection(options, process.env, neolithHome());
  const [overview, { daemons }] = await Promise.all([client.getOverview(), client.listDaemons()]);
  if (options.json) {
    terminal.json({
      server: url,
      ...describe(overview.orchestrators),
      unassigned: overview.unassigned,
      daemons,
    });
    return;
  }
  terminal.out(`${terminal.style('bold', 'Server')}  ${url}`);
  terminal.out();
  for (const line of orchestratorTable(overview.orchestrators, terminal)) terminal.out(line);
  const running = overview.orchestrators.flatMap((one) => one.running);
  if (running.length > 0) {
    terminal.out();
    terminal.out(terminal.style('bold', 'Running'));
    for (const { task, progress, progressMessage } of running) {
      const message = progressMessage === null ? '' : ` (${plainLine(progressMessage)})`;
      terminal.out(
        `  ${String(progress).padStart(3)} %  ${plainLine(task.title)}${terminal.style('dim', message)}`,
      );
    }
  }
  terminal.out();
  for (const line of daemonTable(daemons, terminal)) terminal.out(line);
  if (overview.unassigned > 0) {
    terminal.out();
    terminal.out(`${overview.unassigned} open tasks belong to nobody.`);
  }
}

function describe(overviews: readonly OrchestratorOverview[]) {
  return {
    orchestrators: overviews.map(({ orchestrator, throughput: _throughput, ...rest }) => ({
      id: orchestrator.id,
      name: orchestrator.name,
      role: orchestrator.role,
      status: orchestrator.status,
      maxConcurrentTasks: orchestrator.maxConcurrentTasks,
      ...rest,
    })),
  };
}

function orchestratorTable(overviews: readonly OrchestratorOverview[], terminal: Terminal): string[] {
  if (overviews.length === 0) return ['There is no orchestrator yet.'];
  const [head = '', ...rows] = formatTable(
    ['Orchestrator', 'Status', 'Daemon', 'Running', 'Ready', 'Blocked', 'Backlog', 'Success'],
    overviews.map(({ orchestrator, daemonAlive, running, backlog, successRate }) => [
      plainLine(orchestrator.name),
      orchestrator.status.toLowerCase(),
      daemonAlive ? 'alive' : '–',
      `${running.length}/${orchestrator.maxConcurrentTasks}`,
      backlog.ready,
      backlog.blocked,
      backlog.total,
      successRate === null ? '–' : `${Math.round(successRate)} %`,
    ]),
  );
  return [terminal.style('bold', head), ...rows];
}

function daemonTable(daemons: readonly Daemon[], terminal: Terminal): string[] {
  if (daemons.length === 0)
    return ['No daemon has registered: nothing is executed. Start one: neolith daemon --help'];
  const [head = '', ...rows] = formatTable(
    ['Daemon', 'State', 'Slots', 'Serves', 'Seen'],
    daemons.map((daemon) => [
      plainLine(daemon.name),
      daemon.state.toLowerCase(),
      daemon.slots,
      daemon.orchestratorIds.length,
      describeAge(Date.now() - daemon.lastSeenAt.getTime()),
    ]),
  );
  return [terminal.style('bold', head), ...rows];
}

function describeAge(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min ago`;
  return seconds < 172_800
    ? `${Math.round(seconds / 3_600)} h ago`
    : `${Math.round(seconds / 86_400)} days ago`;
}
