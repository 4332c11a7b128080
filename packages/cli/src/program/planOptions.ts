import { type Command, Option } from 'commander';
import { collect, readCount, readSeed, readTime } from './readValue.js';

/** What `--merge-command` is for. */
export const MERGE_COMMAND =
  'merges a task whose code is complete, by /bin/sh (default: NEOLITH_MERGE_COMMAND, else nothing)';
export const PRIORITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'];
export const PLAN_FORMATS = ['auto', 'neolith', 'markdown', 'beads', 'backlog-md', 'task-master'];

/** What is to be known of a plan, and of the run that it becomes. */
export function withPlanOptions(made: Command): Command {
  return made
    .option('--orchestrator <name>', 'who gets the tasks, by name or id')
    .addOption(
      new Option('--assign <tag=name>', 'tasks with this tag go to that one; may be given several times')
        .argParser(collect)
        .default([], 'none'),
    )
    .option('--source <name>', 'what the plan is called: the same again updates its run (default: its name)')
    .option('--channel <name>', 'the channel of new tasks, by name or id')
    .addOption(
      new Option('--format <format>', 'the format of the plan').choices(PLAN_FORMATS).default('auto'),
    )
    .option('--strict', 'refuse a file of which something would be left out')
    .addOption(
      new Option(
        '--missing-priority <priority>',
        'of rows that have none (default: asked for at a terminal, else MEDIUM)',
      ).choices(PRIORITIES),
    )
    .option('--list <name>', 'which list of a tasks.json that holds several')
    .option(
      '--overlay-deadlines <seed>',
      'give every task a priority and a due date around now, to try things out',
      readSeed,
    )
    .option('--due <date>', 'due date of the run, and of tasks that have none')
    .option('--max-tasks <number>', 'tasks of the run in progress at once', readCount)
    .option('--max-merges <number>', 'merges of the run at once', readCount)
    .addOption(
      new Option('--waves <how>', 'strict: a wave starts when the one before is over').choices([
        'strict',
        'off',
      ]),
    )
    .option('--wave-delay <time>', 'pause between two waves', readTime(0, 86_400))
    .option('--agents-per-wave <number>', 'with strict waves: tasks at once', readCount)
    .option('--merge-stage', 'a task is done when it is merged, not when its code is complete')
    .option('--no-merge-stage', 'a task is done when its agent is')
    .addOption(
      new Option(
        '--failure-policy <policy>',
        'when too much fails: go on, fail, or wait for a person',
      ).choices(['continue', 'stop', 'quarantine']),
    )
    .addOption(
      new Option(
        '--on-prerequisite-failure <policy>',
        'what becomes of tasks whose prerequisite fails',
      ).choices(['block', 'cancel', 'release']),
    )
    .option('--run-timeout <time>', 'the run fails after so long', readTime(1, 31_536_000));
}
