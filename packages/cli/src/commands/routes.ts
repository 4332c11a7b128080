import type { AgentFigure, Route } from '@neolith/contracts';
import { neolithHome } from '@neolith/database/home';
import { findTask } from '../connection/findAttempt.js';
import { type ConnectionFlags, resolveConnection } from '../connection/resolveConnection.js';
import { describeDuration } from '../output/duration.js';
import { formatTable } from '../output/table.js';
import { plainLine, type Terminal } from '../output/terminal.js';

export interface RoutesFlags extends ConnectionFlags {
  readonly json?: true;
  readonly days?: number;
}

/** `neolith routes`: how often each agent succeeds at each type of task. */
export async function showFigures(terminal: Terminal, options: RoutesFlags): Promise<void> {
  const { client } = resolveConnection(options, process.env, neolithHome());
  const days = options.days ?? 30;
  const answer = await client.getAgentFigures({ query: { days } });
  if (options.json) {
    terminal.json(answer);
    return;
  }
  if (answer.figures.length === 0) {
    terminal.out(`No attempt of the last ${days} days says anything of an agent.`);
    return;
  }
  const [head = '', ...rows] = formatTable(
    ['Type', 'Agent', 'Succeeded', 'Of', 'Lately', 'Takes', 'Costs'],
    answer.figures.map((figure) => [
      plainLine(figure.taskType ?? '–'),
      plainLine(figure.agent),
      String(figure.successes),
      String(figure.attempts),
      describeLately(figure),
      figure.averageDurationMs === null ? '–' : describeDuration(figure.averageDurationMs / 1_000),
      figure.averageCostUsd === null ? '–' : `$${figure.averageCostUsd.toFixed(2)}`,
    ]),
  );
  terminal.out(terminal.style('bold', head));
  for (const row of rows) terminal.out(row);
}

/** `neolith routes TASK`: why each attempt at it was given to its agent. */
export async function showRoutes(terminal: Terminal, wanted: string, options: RoutesFlags): Promise<void> {
  const { client } = resolveConnection(options, process.env, neolithHome());
  const { id } = await findTask(client, wanted);
  const { title, attempts } = await client.getTask({ params: { id } });
  if (options.json) {
    terminal.json({
      taskId: id,
      attempts: attempts.map(({ id: attemptId, number, agent, status, route }) => ({
        ...{ attemptId, number, agent, status },
        route: route ?? null,
      })),
    });
    return;
  }
  terminal.out(`${terminal.style('bold', plainLine(title))}  ${id}`);
  if (attempts.length === 0) terminal.out('Not tried yet.');
  for (const { number, agent, status, route } of attempts) {
    terminal.out(`#${number}  ${plainLine(agent ?? 'nobody')}  ${status.toLowerCase()}`);
    if (route === undefined) terminal.out('  Nothing was stored of why.');
    else for (const line of describeRoute(route)) terminal.out(`  ${line}`);
  }
}

function describeLately({ recentSuccesses, recentFailures }: AgentFigure): string {
  const all = recentSuccesses + recentFailures;
  return all === 0 ? '–' : `${Math.round((recentSuccesses / all) * 100)} %`;
}

function describeRoute(route: Route): string[] {
  return [
    plainLine(route.reason),
    `${plainLine(route.taskType)}, ${plainLine(route.complexity)}; ${route.strategy.replace('_', ' ')}; ${Math.round(route.confidence * 100)} % sure`,
    ...route.candidates.map(
      ({ agent, state, reason }) =>
        `  ${plainLine(agent)}: ${state}${reason === '' ? '' : ` (${plainLine(reason)})`}`,
    ),
  ];
}
