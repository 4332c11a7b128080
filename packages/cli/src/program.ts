import { RUN_STATUSES, type RunStatus } from '@neolith/contracts';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { RunVerb } from './commands/runs.js';
import { readDuration } from './output/duration.js';
import type { Terminal } from './output/terminal.js';
import { VERSION } from './version.js';

/**
 * The commands and their options. What a command does is loaded when it is called, so that `--help` is fast.
 * @param json whether output is for programs: then what is wrong with the usage is not printed but only thrown.
 */
export function createProgram(terminal: Terminal, json = false): Command {
  const program = new Command('neolith')
    .description('Decides what each AI orchestrator does next, and sees that it gets done.')
    .version(VERSION, '-V, --version')
    .exitOverride()
    .showHelpAfterError('(`--help` shows what there is)')
    .configureOutput({
      outputError: (text, write) => write(terminal.style('red', text)),
      ...(json ? { writeErr: () => undefined } : {}),
    })
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 conflict, 130 interrupted. Of a run that was executed or
watched: 0 succeeded, 5 failed, 6 quarantined, 7 cancelled. With --json errors are JSON on stderr, too.
Environment: NEOLITH_HOME, NEOLITH_URL with NEOLITH_TOKEN or NEOLITH_TOKEN_FILE, NEOLITH_SHELL_COMMAND,
NEOLITH_MERGE_COMMAND, DATABASE_URL, HOST and PORT (for start), NO_COLOR.

Examples:
  neolith start                          everything on this machine
  neolith status                         what runs, what waits
  neolith execute plan.md --orchestrator Ada --shell-command ./agent.sh
  neolith runs                           the plans that were imported, and how far they are`,
    );

  const command = (name: string) => program.command(name).exitOverride();
  const connected = (name: string) => connect(command(name));
  const connect = (made: Command) =>
    made
      .option(
        '--server <url>',
        'where the server is (default: NEOLITH_URL, else what `neolith start` started)',
      )
      .option(
        '--token-file <file>',
        'holds the token (default: NEOLITH_TOKEN_FILE, else the file of this machine)',
      );

  command('start')
    .description('Start everything on this machine: database, server, one daemon')
    .addOption(
      new Option(
        '--port <number>',
        'port of the server (default: 3000 or the next free one, then the same again)',
      )
        .env('PORT')
        // Set to nothing is not set, as with the other variables.
        .argParser((text) => (text === '' ? undefined : readPort(text))),
    )
    .option('--slots <number>', 'how many agents run at once', readCount, 4)
    .option('--shell-command <command>', 'runs your tasks, instead of the demo agent that only pretends to')
    .option('--no-daemon', 'start no daemon')
    .option('--no-seed', 'make no demo workspace when there is none yet')
    .option('--json', 'print what runs where as JSON, once it is ready')
    .addHelpText(
      'after',
      `
With DATABASE_URL set that PostgreSQL is used, else an embedded one whose data lies in NEOLITH_HOME.
Ctrl-C ends all of it in order; the data stays.

Examples:
  neolith start
  neolith start --port 8080 --no-seed
  neolith start --shell-command './agent.sh'`,
    )
    .action(async (options) => (await import('./commands/start.js')).start(terminal, options));

  connected('daemon')
    .description('Work for orchestrators: claim their tasks and run an agent for each')
    .option('--orchestrator <name>', 'whom to serve, by name or id; may be given several times', collect, [])
    .option('--all', 'serve all orchestrators, later ones too')
    .option('--run <run>', 'only tasks of this run, by name or id')
    .option('--slots <number>', 'how many agents run at once', readCount, 3)
    .addOption(new Option('--agent <agent>', 'which agent does the tasks').default('shell'))
    .option(
      '--shell-command <command>',
      'what the shell agent runs, by /bin/sh (default: NEOLITH_SHELL_COMMAND)',
    )
    .option('--merge-command <command>', MERGE_COMMAND)
    .option('--work-directory <directory>', 'where agents work (default: here)')
    .option('--name <name>', 'the daemon’s name, the same at each start (default: the host name)')
    .option(
      '--lease-seconds <number>',
      'after so long without a sign of life others get the tasks (renewed three times within it)',
      readLeaseSeconds,
      30,
    )
    .option('--drain-minutes <number>', 'how long agents may finish after SIGTERM', readMinutes, 10)
    .addOption(
      new Option('--log <form>', 'how to log (default: pretty on a terminal, else json)').choices([
        'pretty',
        'json',
      ]),
    )
    .option('--verbose', 'log what agents print, too')
    .addHelpText(
      'after',
      `
The command finds the task's context as JSON on stdin and in the file NEOLITH_CONTEXT_FILE. It may print lines
such as \`::neolith {"progress": 40, "message": "halfway"}\` and \`::neolith {"output": {"files": 3}}\`.
In a run with a merge stage the merge command follows when the run's merge slot is free: it finds the same, with the
agent's output added to the context as \`result\`; exit 0 is merged, anything else sends the task back with its output.
SIGTERM: nothing more is claimed, what runs or merges may finish; a second one gives it back at once.

Examples:
  neolith daemon --all --shell-command './agent.sh'
  neolith daemon --orchestrator Ada --orchestrator Grace --slots 8 --shell-command 'node agent.js'
  neolith daemon --server https://work.example --token-file ~/token --all --shell-command ./agent.sh`,
    )
    .action(async (options) => (await import('./commands/daemon.js')).daemon(terminal, options));

  withPlanOptions(connected('import'))
    .description('Store a plan as a run, or bring the run of the same source up to date')
    .argument('<plan>', 'a file, or a folder of Markdown tasks')
    .option('--start', 'start the run')
    .option('--dry-run', 'change nothing, only tell what would be done')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Formats: our own YAML and JSON, Markdown plans, beads JSONL, tasks.json of task-master, folders of Backlog.md.
Whose a task is: --assign by the first of its tags that is named, else --orchestrator, else what the plan says.
Importing again adds what is new and updates what changed; what the plan has no more is reported and stays. All of it
is done at once or not at all. Settings of the run that are not given are those of the plan, else the server's.
Times: 90, 90s, 5m, 2h, 1d.

Examples:
  neolith import plan.yaml --orchestrator Ada --start
  neolith import .beads/issues.jsonl --assign backend=Ada --assign design=Grace --orchestrator Linus
  neolith import backlog/ --dry-run --json`,
    )
    .action(async (plan, options) =>
      (await import('./commands/import.js')).importFile(terminal, plan, options),
    );

  withPlanOptions(connected('execute'))
    .description('Store a plan and do it: a daemon in this process, with progress, until the run is over')
    .argument('[plan]', 'a file, or a folder of Markdown tasks')
    .option('--run <run>', 'go on with a run that exists, by name or id, instead of a plan')
    .option('--agents <number>', 'how many agents run at once', readCount, 5)
    .addOption(new Option('--agent <agent>', 'which agent does the tasks').default('shell'))
    .option(
      '--shell-command <command>',
      'what the shell agent runs, by /bin/sh (default: NEOLITH_SHELL_COMMAND)',
    )
    .option('--merge-command <command>', MERGE_COMMAND)
    .option('--work-directory <directory>', 'where agents work (default: here)')
    .option('--name <name>', 'the daemon’s name (default: the host name and the run)')
    .option(
      '--lease-seconds <number>',
      'after so long without a sign of life others get the tasks',
      readLeaseSeconds,
      30,
    )
    .option('--drain-minutes <number>', 'how long agents may finish after Ctrl-C', readMinutes, 10)
    .option('--verbose', 'tell of each task, and log what agents print')
    .option('--json', 'print events and progress as JSON, one object a line')
    .addHelpText(
      'after',
      `
A server must run (neolith start); other daemons may help. With --agents and neither --max-tasks nor the plan saying
otherwise, that many tasks of the run are done at once. Where there is only one orchestrator it gets what is nobody's.
Ctrl-C pauses the run and lets agents finish; again ends them at once. Either way it says how to go on.
Exit codes: 0 succeeded, 5 failed, 6 quarantined, 7 cancelled, 130 interrupted; else as \`neolith --help\` says.

Examples:
  neolith execute plan.md --shell-command ./agent.sh
  neolith execute plan.yaml --agents 8 --merge-stage --merge-command ./merge.sh --shell-command ./agent.sh
  neolith execute --run "Release 2026.4" --shell-command ./agent.sh`,
    )
    .action(async (plan, options) =>
      (await import('./commands/execute.js')).execute(terminal, plan, options),
    );

  addRuns(connected('runs'), connect, terminal);

  connected('graph')
    .description('Show or draw what depends on what: waves, critical path, oddities')
    .argument('[plan]', 'a file, or a folder of Markdown tasks; needs no server')
    .option('--run <run>', 'a run, by name or id, instead of a plan')
    .addOption(
      new Option('--format <form>', 'text; or dot (Graphviz), mermaid, plan (our JSON format)')
        .choices(['text', 'dot', 'mermaid', 'plan'])
        .default('text'),
    )
    .addOption(new Option('--from <format>', 'the format of the plan').choices(PLAN_FORMATS).default('auto'))
    .option('--strict', 'refuse a file of which something would be left out')
    .addOption(new Option('--missing-priority <priority>', 'of rows that have none').choices(PRIORITIES))
    .option('--list <name>', 'which list of a tasks.json that holds several')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      `
Durations are estimates, else half an hour; of a run, what is done says how long the rest may take.

Examples:
  neolith graph plan.yaml
  neolith graph plan.yaml --format dot | dot -Tsvg > plan.svg
  neolith graph --run "Release 2026.4" --format mermaid
  neolith graph issues.jsonl --format plan > plan.json`,
    )
    .action(async (plan, options) => (await import('./commands/graph.js')).graph(terminal, plan, options));

  connected('next')
    .description('Show the task that is next, and why')
    .argument('[orchestrator]', 'whose, by name or id (default: of each)')
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nExamples:\n  neolith next\n  neolith next Ada --json')
    .action(async (name, options) => (await import('./commands/next.js')).next(terminal, name, options));

  connected('status')
    .description('Show the orchestrators, what runs and how far it is, the backlog, the daemons')
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nExamples:\n  neolith status\n  neolith status --json')
    .action(async (options) => (await import('./commands/status.js')).status(terminal, options));

  connected('sign-in')
    .description('Make a link that signs a browser in to the dashboard: once, within 15 minutes')
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nExamples:\n  neolith sign-in\n  open "$(neolith sign-in)"')
    .action(async (options) => (await import('./commands/signIn.js')).signIn(terminal, options));

  return program;
}

const MERGE_COMMAND =
  'merges a task whose code is complete, by /bin/sh (default: NEOLITH_MERGE_COMMAND, else nothing)';
const PRIORITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'];
const PLAN_FORMATS = ['auto', 'neolith', 'markdown', 'beads', 'backlog-md', 'task-master'];

/** What is to be known of a plan, and of the run that it becomes. */
function withPlanOptions(made: Command): Command {
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
    .option('--timeout <time>', 'the run fails after so long', readTime(1, 31_536_000));
}

const VERBS: Readonly<Record<RunVerb, string>> = {
  start: 'Start a run: from now on its tasks are handed out',
  pause: 'Hand out nothing new; what is running goes on',
  resume: 'Hand out work again',
  stop: 'Cancel a run with what waits and what runs',
  release: 'Hand out work again after a quarantine',
  retry: 'Go on with a failed run: its failed tasks get another chance',
  reset: 'Everything unfinished afresh; the history stays',
  complete: 'End a run in which nothing is left that could be done',
};

/** `neolith runs` and what can be done with one of them. */
function addRuns(runs: Command, connect: (made: Command) => Command, terminal: Terminal): void {
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
        await (await import('./commands/runs.js')).listRuns(terminal, self.optsWithGlobals());
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
      (await import('./commands/runs.js')).showRun(terminal, run, self.optsWithGlobals()),
    );
  for (const [verb, description] of Object.entries(VERBS)) {
    withJson(under(verb))
      .description(description)
      .argument('<run>', 'an id, the beginning of one, or a name')
      .option('--reason <text>', 'why, for the history')
      .addHelpText('after', `\nExamples:\n  neolith runs ${verb} "Release 2026.4"`)
      .action(async (run, _options, self: Command) =>
        (await import('./commands/runs.js')).moveRun(terminal, verb as RunVerb, run, self.optsWithGlobals()),
      );
  }
  withJson(under('delete'))
    .description('Delete a run that is not active, with its tasks; their history stays')
    .argument('<run>', 'an id, the beginning of one, or a name')
    .option('--yes', 'really')
    .addHelpText('after', '\nExamples:\n  neolith runs delete run_0198c2 --yes')
    .action(async (run, _options, self: Command) =>
      (await import('./commands/runs.js')).deleteRun(terminal, run, self.optsWithGlobals()),
    );
  withJson(under('history'))
    .description('List every event of a run and its tasks, oldest first')
    .argument('<run>', 'an id, the beginning of one, or a name')
    .option('--limit <number>', 'only the last ones', readLimit)
    .addHelpText('after', '\nExamples:\n  neolith runs history run_0198c2 --limit 20')
    .action(async (run, _options, self: Command) =>
      (await import('./commands/runs.js')).showHistory(terminal, run, self.optsWithGlobals()),
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
      (await import('./commands/watch.js')).watch(terminal, run, self.optsWithGlobals()),
    );
}

function readStatus(text: string): RunStatus {
  const found = RUN_STATUSES.find((status) => status === text.toUpperCase());
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`Allowed choices are ${RUN_STATUSES.join(', ').toLowerCase()}.`);
}

function readTime(min: number, max: number): (text: string) => number {
  return (text) => {
    const seconds = readDuration(text);
    if (seconds !== null && seconds >= min && seconds <= max) return seconds;
    throw new InvalidArgumentError(
      `It must be a time such as 90s, 5m, 2h or 1d, from ${min} to ${max} seconds.`,
    );
  };
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function readWhole(text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
}

const readCount = (text: string): number => readWhole(text, 1, 1_000);
const readLimit = (text: string): number => readWhole(text, 1, 1_000_000);
const readPort = (text: string): number => readWhole(text, 1, 65_535);
const readLeaseSeconds = (text: string): number => readWhole(text, 1, 86_400);
const readSeed = (text: string): number => readWhole(text, 0, 2 ** 31);

function readMinutes(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 24 * 60) return value;
  throw new InvalidArgumentError('It must be a number of minutes from 0 to 1440.');
}
