import type { NormalisedPlan, RoutingChooser } from '@neolith/daemon';
import { CommandError } from '../output/commandError.js';
import { plainLine } from '../output/terminal.js';

/**
 * Before anything is stored: a plan whose tasks nobody here can do would only collect failed attempts.
 * @throws CommandError `AGENT_NOT_FOUND`
 */
export function requireAgents({ tasks }: NormalisedPlan, agents: Pick<RoutingChooser, 'route'>): void {
  const left = tasks
    .filter(({ status }) => status === 'open')
    .map((task) => ({ task, assignment: agents.route(task).assignment }))
    .filter(({ assignment }) => assignment.primary === null);
  const [first] = left;
  if (first === undefined) return;
  throw new CommandError(
    'usage',
    'AGENT_NOT_FOUND',
    [
      `Nobody here can do ${left.length === 1 ? 'the task' : `${left.length} tasks, such as`} ${JSON.stringify(plainLine(first.task.title))}.`,
      first.assignment.justification,
      "Or give a command of your own by --shell-command 'COMMAND' or NEOLITH_SHELL_COMMAND. `neolith doctor` looks at all agents.",
    ].join(' '),
  );
}
