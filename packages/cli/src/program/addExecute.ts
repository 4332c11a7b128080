import type { Command } from 'commander';
import { EXECUTE_DEFAULTS } from '../execute/describeGoOn.js';
import type { Terminal } from '../output/terminal.js';
import { withPlanOptions } from './planOptions.js';
import { collect, readCount, readLeaseSeconds, readMinutes, readTime } from './readValue.js';
import { withWorkerOptions } from './workerOptions.js';

export function addExecute(made: Command, connect: (made: Command) => Command, terminal: Terminal): void {
  made
    .description(
      'From a plan to merged branches: stores it and does it, with progress, until the run is over',
    )
    .argument('[plan]', 'a file, or a folder of Markdown tasks')
    .optionsGroup('Options:')
    .option('--run <run>', 'go on with a run that exists, by name or id, instead of a plan')
    .option(
      '-c, --max-concurrent <number>',
      'how many agents run at once',
      readCount,
      EXECUTE_DEFAULTS.maxConcurrent,
    )
    .option(
      '-t, --timeout <time>',
      'of a task that has no limit of its own (default: 60m)',
      readTime(1, 86_400),
    )
    .option('--dry-run', 'print who would do what, the waves and the prompts; touch nothing')
    .option(
      '--resume',
      'go on with what is not done: try again what failed, and let go on what waits for a person',
    )
    .option(
      '--only <task>',
      'this task of the plan alone, as if what it needs were done; several times',
      collect,
      [],
    )
    .option('--from <task>', 'this task of the plan and whatever depends on it; several times', collect, [])
    .option('--name <name>', 'the daemon’s name (default: the host name and the run)')
    .option(
      '--lease-seconds <number>',
      'after so long without a sign of life others get the tasks',
      readLeaseSeconds,
      EXECUTE_DEFAULTS.leaseSeconds,
    )
    .option(
      '--drain-minutes <number>',
      'how long agents may finish after Ctrl-C',
      readMinutes,
      EXECUTE_DEFAULTS.drainMinutes,
    )
    .option('--verbose', 'tell of each task, and log what agents print')
    .option('--json', 'print events and progress as JSON, one object a line');
  withWorkerOptions(made.optionsGroup('Who does it, and where:'));
  withPlanOptions(made.optionsGroup('The plan, and the run that it becomes:'));
  connect(made.optionsGroup('The server:'))
    .addHelpText(
      'after',
      `
Where no server runs, one is started for this command and ended with it; other
daemons may help a server that runs.
With --max-concurrent and neither --max-tasks nor the plan saying otherwise,
that many tasks of the run are done at once. What is nobody's goes to the only
orchestrator, or to one called Local.
Ctrl-C pauses the run and lets agents finish; again ends them at once. Either
way it says how to go on.
Exit codes: 0 succeeded, 5 failed, 6 quarantined, 7 cancelled, 130 interrupted;
else as \`neolith --help\` says.

Examples:
  neolith execute plan.md
  neolith execute plan.md --dry-run
  neolith execute plan.yaml -c 8 -r ../shop --agent claude --check 'npm test'
  neolith execute plan.md --shell-command ./agent.sh
  neolith execute --run "Release 2026.4" --resume`,
    )
    .action(async (plan, options) =>
      (await import('../commands/execute.js')).execute(terminal, plan, options),
    );
}
