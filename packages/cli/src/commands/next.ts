import { findOrchestrator, listOrchestrators } from '@neolith/daemon/orchestrators';
import { neolithHome } from '@neolith/database/home';
import { type ConnectionFlags, resolveConnection } from '../connection/resolveConnection.js';
import { plainLine, type Terminal } from '../output/terminal.js';

/** `neolith next`: the task that would be handed out now, with the parts of its score. Reads only. */
export async function next(
  terminal: Terminal,
  name: string | undefined,
  options: ConnectionFlags & { json?: true },
): Promise<void> {
  const { client } = resolveConnection(options, process.env, neolithHome());
  const known = await listOrchestrators(client);
  const asked = name === undefined ? known : [findOrchestrator(known, name)];
  const answers = await Promise.all(
    asked.map(async (orchestrator) => {
      const { selected, because, runningTasks, maxConcurrentTasks } = await client.explainSelection({
        params: { id: orchestrator.id },
      });
      return {
        orchestrator: { id: orchestrator.id, name: orchestrator.name },
        task: selected?.task ?? null,
        score:
          selected === null
            ? null
            : { weight: selected.weight, boost: selected.boost, score: selected.score },
        because,
        runningTasks,
        maxConcurrentTasks,
      };
    }),
  );
  if (options.json) {
    terminal.json({ next: answers });
    return;
  }
  if (answers.length === 0) terminal.out('There is no orchestrator yet.');
  for (const { orchestrator, task, score, because } of answers) {
    terminal.out(terminal.style('bold', plainLine(orchestrator.name)));
    if (task === null || score === null) {
      terminal.out(`  nothing: ${plainLine(because)}`);
      continue;
    }
    terminal.out(`  ${plainLine(task.title)}`);
    terminal.out(
      terminal.style(
        'dim',
        `  ${task.id}  ${task.priority}${task.dueAt === null ? '' : `, due ${task.dueAt.toISOString()}`}`,
      ),
    );
    terminal.out(`  score ${score.score} = weight ${score.weight} × boost ${score.boost}`);
    terminal.out(`  ${plainLine(because)}`);
  }
}
