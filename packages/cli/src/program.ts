import { Command, Help, Option } from 'commander';
import type { Terminal } from './output/terminal.js';
import { addExecute } from './program/addExecute.js';
import { addFailures } from './program/addFailures.js';
import { addMaintenance } from './program/addMaintenance.js';
import { addRoutes } from './program/addRoutes.js';
import { addRuns } from './program/addRuns.js';
import { PLAN_FORMATS, PRIORITIES, withPlanOptions } from './program/planOptions.js';
import {
  collect,
  readCount,
  readLeaseSeconds,
  readLimit,
  readMinutes,
  readPort,
  readTail,
  readTime,
} from './program/readValue.js';
import { withWorkerOptions } from './program/workerOptions.js';
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
    .configureHelp({
      // Of options that may be given several times it says nothing.
      optionDescription: (option) => new Help().optionDescription(option).replace(' (default: [])', ''),
    })
    .showHelpAfterError('(`--help` shows what there is)')
    .configureOutput({
      outputError: (text, write) => write(terminal.style('red', text)),
      ...(json ? { writeErr: () => undefined } : {}),
    })
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 conflict,
130 interrupted. Of a run that was executed or watched: 0 succeeded,
5 failed, 6 quarantined, 7 cancelled. With --json errors are
JSON on stderr, too.
Environment: NEOLITH_HOME, NEOLITH_URL with NEOLITH_TOKEN or
NEOLITH_TOKEN_FILE, NEOLITH_SHELL_COMMAND, NEOLITH_MERGE_COMMAND, DATABASE_URL,
HOST and PORT (for start), NO_COLOR.

Examples:
  neolith start                          everything on this machine
  neolith status                         what runs, what waits
  neolith execute plan.md --dry-run      who would do what, and told what
  neolith execute plan.md                from a plan to merged branches
  neolith runs                           all plans, and how far they are`,
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
With DATABASE_URL set that PostgreSQL is used, else an embedded one whose data
lies in NEOLITH_HOME.
Ctrl-C ends all of it in order; the data stays.

Examples:
  neolith start
  neolith start --port 8080 --no-seed
  neolith start --shell-command './agent.sh'`,
    )
    .action(async (options) => (await import('./commands/start.js')).start(terminal, options));

  withWorkerOptions(connected('daemon'))
    .description('Work for orchestrators: claim their tasks and run an agent for each')
    .option('--orchestrator <name>', 'whom to serve, by name or id; may be given several times', collect, [])
    .option('--all', 'serve all orchestrators, later ones too')
    .option('--run <run>', 'only tasks of this run, by name or id')
    .option('--slots <number>', 'how many agents run at once', readCount, 3)
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
    .option(
      '--metrics-port <port>',
      'answer /metrics for Prometheus and /livez on 127.0.0.1 (default: nowhere)',
      readPort,
    )
    .addHelpText(
      'after',
      `
The command finds the task's context as JSON on stdin and in the file
NEOLITH_CONTEXT_FILE. It may print lines such as
  ::neolith {"progress": 40, "message": "halfway"}
  ::neolith {"output": {"files": 3}}
In a run with a merge stage the merge command follows when the run's merge slot
is free: it finds the same, with the agent's output added to the context as
\`result\`; exit 0 is merged, anything else sends the task back with its
output.
SIGTERM: nothing more is claimed, what runs or merges may finish; a second one
gives it back at once.

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
Formats: our own YAML and JSON, Markdown plans, beads JSONL, tasks.json of
task-master, folders of Backlog.md.
Whose a task is: --assign by the first of its tags that is named, else
--orchestrator, else what the plan says.
Importing again adds what is new and updates what changed; what the plan has no
more is reported and stays. All of it is done at once or not at all. Settings
of the run that are not given are those of the plan, else the server's.
Times: 90, 90s, 5m, 2h, 1d.

Examples:
  neolith import plan.yaml --orchestrator Ada --start
  neolith import .beads/issues.jsonl --assign backend=Ada --assign design=Grace --orchestrator Linus
  neolith import backlog/ --dry-run --json`,
    )
    .action(async (plan, options) =>
      (await import('./commands/import.js')).importFile(terminal, plan, options),
    );

  addExecute(command('execute'), connect, terminal);

  addRuns(connected('runs'), connect, terminal);

  addFailures(command, connect, terminal);
  addRoutes(command, connect, terminal);

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
Durations are estimates, else half an hour; of a run, what is done says how
long the rest may take.

Examples:
  neolith graph plan.yaml
  neolith graph plan.yaml --format dot | dot -Tsvg > plan.svg
  neolith graph --run "Release 2026.4" --format mermaid
  neolith graph issues.jsonl --format plan > plan.json`,
    )
    .action(async (plan, options) => (await import('./commands/graph.js')).graph(terminal, plan, options));

  connected('resources')
    .description('Show who holds which resource, and who waits for whom')
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nExamples:\n  neolith resources\n  neolith resources --json')
    .action(async (options) => (await import('./commands/resources.js')).resources(terminal, options));

  command('acquire')
    .description('For agents at work: take resources that others must not use meanwhile, or wait for them')
    .argument('<resource...>', 'such as port:3000, path:src/api/**, db-schema; all of them or none')
    .option('--shared', 'beside others that share them')
    .option('--wait <time>', 'for how long at most', readTime(0, 86_400), 60)
    .option('--json', 'print the answer as JSON')
    .addHelpText(
      'after',
      `
Asks the daemon that runs this agent, by the socket in NEOLITH_SOCKET; needs no
token. What is granted is held until the attempt ends. Who got nothing waits no
more.
Exit codes: 0 granted, 8 somebody else has it, 9 gave way in a deadlock,
10 attempt over. After 9 and 10 end your work at once; the daemon ends you.

Examples:
  neolith acquire port:3000
  neolith acquire 'path:src/api/**' db-schema --wait 5m
  neolith acquire --shared db-schema --wait 0`,
    )
    .action(async (names, options) =>
      (await import('./commands/acquire.js')).acquire(terminal, names, options),
    );

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

  connected('logs')
    .description('Show what the agent of a task printed')
    .argument('<task>', 'a task by id or title, or an attempt by id')
    .option('-f, --follow', 'go on until the attempt is over')
    .option('--attempt <number>', 'which attempt (default: the last)', readLimit)
    .option('--tail <lines>', 'only the last lines, and what follows', readTail)
    .option('--json', 'print each line as a JSON object')
    .addHelpText(
      'after',
      `
Head and tail of 5 MB are kept of each attempt; a mark says how much is missing
between. On a terminal lines of stderr begin with a bar. Secrets are gone
before anything is sent.

Examples:
  neolith logs "Write the parser" -f
  neolith logs task_0198f1c2-… --attempt 1 --tail 50
  neolith logs att_0198f1c2-… --json | jq -r .text`,
    )
    .action(async (task, options) => (await import('./commands/logs.js')).logs(terminal, task, options));

  addMaintenance(connected, terminal);

  connected('sign-in')
    .description('Make a link that signs a browser in to the dashboard: once, within 15 minutes')
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nExamples:\n  neolith sign-in\n  open "$(neolith sign-in)"')
    .action(async (options) => (await import('./commands/signIn.js')).signIn(terminal, options));

  return program;
}
