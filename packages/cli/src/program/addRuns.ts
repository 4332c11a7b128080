import { RUN_STATUSES, type RunStatus } from '@neolith/contracts';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { RunVerb } from '../commands/runs.js';
import type { Terminal } from '../output/terminal.js';
import { readLimit } from './readValue.js';

const VERBS: Readonly<Record<RunVerb, string>> = {
  start: 'Start a run: from now on its tasks are handed out',
  pause: 'Hand out nothing new; what is running goes on',
  resume: 'Hand out work again',
  stop: 'Cancel a run with what waits and what runs',
  release: 'Hand out work again after a quarantine',
  retry: 'Go on with a failed or quarantined run: its failed tasks get another chance',
  reset: 'Everything that is not done afresh, also what was cancelled; the history stays',
  complete: 'End a run in which nothing is left that could be done',
};

/** `neolith runs` and what can be done with one of them. */
export function addRuns(runs: Command, connect: (made: Command) => Command, terminal: Terminal): void {
  const under = (name: string) => connect(runs.command(name).exitOverride());
  const withJson = (made: Command) => made.option('--json', 'print it as JSON');
  const listing = (made: Command) =>
    withJson(made)
      .addOption(
        new Option('--status <status>', 'only those')
          .argParser((text) => readStatus(text))
          .default(undefined),
      )
      .allowExcessArguments()
      .action(async (_options, self: Command) => {
        const [unknown] = self.args;
        if (unknown !== undefined) self.error(`error: unknown command 'runs ${unknown}'`);
        await (await import('../commands/runs.js')).listRuns(terminal, self.optsWithGlobals());
      });
  listing(runs)
    .description('List the runs; show, watch or move one')
    .addHelpText(
      'after',
      `
RUN is an id, the beginning of one, or the run's name.

Examples:
  neolith runs
  neolith runs show "Release 2026.4"
  neolith runs pause run_0198c2 --reason "waiting for the audit"
  neolith runs history run_0198c2 --json`,
    );
  listing(under('list')).description('List the runs, newest first');
  withJson(under('show'))
    .description('Show status, counts, waves, what runs, what it waits for, when it may be over')
    .argument('<run>', 'an id, the beginning of one, or a name')
    .addHelpText(
      'after',
      '\nExamples:\n  neolith runs show "Release 2026.4"\n  neolith runs show run_0198c2 --json',
    )
    .action(async (run, _options, self: Command) =>
      (await import('../commands/runs.js')).showRun(terminal, run, self.optsWithGlobals()),
    );
  for (const [verb, description] of Object.entries(VERBS)) {
    const made = withJson(under(verb));
    if (verb === 'retry')
      made.option(
        '--task <task>',
        'only this task, by id or title, and whatever depends on it: also what is done',
      );
    made
      .description(description)
      .argument('<run>', 'an id, the beginning of one, or a name')
      .option('--reason <text>', 'why, for the history')
      .addHelpText('after', `\nExamples:\n  neolith runs ${verb} "Release 2026.4"`)
      .action(async (run, _options, self: Command) =>
        (await import('../commands/runs.js')).moveRun(terminal, verb as RunVerb, run, self.optsWithGlobals()),
      );
  }
  withJson(under('delete'))
    .description('Delete a run that is not active, with its tasks; their history stays')
    .argument('<run>', 'an id, the beginning of one, or a name')
    .option('--yes', 'really')
    .addHelpText('after', '\nExamples:\n  neolith runs delete run_0198c2 --yes')
    .action(async (run, _options, self: Command) =>
      (await import('../commands/runs.js')).deleteRun(terminal, run, self.optsWithGlobals()),
    );
  withJson(under('history'))
    .description('List every event of a run and its tasks, oldest first')
    .argument('<run>', 'an id, the beginning of one, or a name')
    .option('--limit <number>', 'only the last ones', readLimit)
    .addHelpText('after', '\nExamples:\n  neolith runs history run_0198c2 --limit 20')
    .action(async (run, _options, self: Command) =>
      (await import('../commands/runs.js')).showHistory(terminal, run, self.optsWithGlobals()),
    );
  under('watch')
    .description('Follow a run until it is over; changes nothing')
    .argument('<run>', 'an id, the beginning of one, or a name')
    .option('--json', 'print events and progress as JSON, one object a line')
    .addHelpText(
      'after',
      '\nExit codes: 0 succeeded, 5 failed, 6 quarantined, 7 cancelled, 130 interrupted.\n\nExamples:\n  neolith runs watch run_0198c2',
    )
    .action(async (run, _options, self: Command) =>
      (await import('../commands/watch.js')).watch(terminal, run, self.optsWithGlobals()),
    );
}

function readStatus(text: string): RunStatus {
  const found = RUN_STATUSES.find((status) => status === text.toUpperCase());
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`Allowed choices are ${RUN_STATUSES.join(', ').toLowerCase()}.`);
}
