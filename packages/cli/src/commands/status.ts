import type { Daemon, OrchestratorOverview, Overview, Run } from '@neolith/contracts';
import { neolithHome } from '@neolith/database/home';
import { type ConnectionFlags, resolveConnection } from '../connection/resolveConnection.js';
import { plural } from '../output/plural.js';
import type { Terminal } from '../output/terminal.js';
import {
  daemonTable,
  describeRunning,
  describeRuns,
  describeWorktrees,
  orchestratorTable,
} from '../status/describeStatus.js';
import { findRunning, type RunningAttempt } from '../status/findRunning.js';
import { findWorktrees } from '../status/findWorktrees.js';

/** `neolith status`: all of the workspace at a glance, and the worktrees of this machine. */
export async function status(terminal: Terminal, options: ConnectionFlags & { json?: true }): Promise<void> {
  const home = neolithHome();
  const worktrees = await findWorktrees('.', home);
  let known: Known;
  try {
    known = await ask(options, home);
  } catch (error) {
    // Without a server there is still something to see.
    if (!options.json) for (const line of describeWorktrees(worktrees, terminal)) terminal.out(line);
    throw error;
  }
  const { overview, daemons, runs, running, url } = known;
  if (options.json) {
    terminal.json({
      server: url,
      ...describe(overview.orchestrators),
      unassigned: overview.unassigned,
      daemons,
      runs,
      attempts: running,
      ...worktrees,
    });
    return;
  }
  const sections = [
    [`${terminal.style('bold', 'Server')}  ${url}`],
    orchestratorTable(overview.orchestrators, terminal),
    describeRuns(runs, terminal),
    describeRunning(running, worktrees.worktrees, terminal),
    daemonTable(daemons, terminal),
    describeWorktrees(worktrees, terminal),
    overview.unassigned === 0 ? [] : [`${plural(overview.unassigned, 'open task')} of nobody.`],
  ];
  for (const [place, lines] of sections.filter(({ length }) => length > 0).entries()) {
    if (place > 0) terminal.out();
    for (const line of lines) terminal.out(line);
  }
}

interface Known {
  readonly url: string;
  readonly overview: Overview;
  readonly daemons: readonly Daemon[];
  readonly runs: readonly Run[];
  readonly running: readonly RunningAttempt[];
}

const RUNS_LOOKED_AT = 50;

async function ask(options: ConnectionFlags, home: string): Promise<Known> {
  const { client, url } = resolveConnection(options, process.env, home);
  const [overview, { daemons }, { runs }] = await Promise.all([
    client.getOverview(),
    client.listDaemons(),
    client.listRuns({ query: { limit: RUNS_LOOKED_AT } }),
  ]);
  return { url, overview, daemons, runs, running: await findRunning(client, overview.orchestrators) };
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
