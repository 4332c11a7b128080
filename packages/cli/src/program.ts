import { Command, InvalidArgumentError, Option } from 'commander';
import type { Terminal } from './output/terminal.js';
import { VERSION } from './version.js';

/** The commands and their options. What a command does is loaded when it is called, so that `--help` is fast. */
export function createProgram(terminal: Terminal): Command {
  const program = new Command('neolith')
    .description('Decides what each AI orchestrator does next, and sees that it gets done.')
    .version(VERSION, '-V, --version')
    .exitOverride()
    .showHelpAfterError('(`--help` shows what there is)')
    .configureOutput({ outputError: (text, write) => write(terminal.style('red', text)) })
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 conflict, 130 interrupted.
Environment: NEOLITH_HOME, NEOLITH_URL with NEOLITH_TOKEN or NEOLITH_TOKEN_FILE, DATABASE_URL, HOST and PORT
(for start), NO_COLOR.

Examples:
  neolith start                          everything on this machine
  neolith status                         what runs, what waits
  neolith import plan.yaml --orchestrator Ada`,
    );

  const command = (name: string) => program.command(name).exitOverride();
  const connected = (name: string) =>
    command(name)
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
        .argParser(readPort),
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
    .option('--slots <number>', 'how many agents run at once', readCount, 3)
    .addOption(new Option('--agent <agent>', 'which agent does the tasks').default('shell'))
    .option(
      '--shell-command <command>',
      'what the shell agent runs, by /bin/sh (default: NEOLITH_SHELL_COMMAND)',
    )
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
SIGTERM: nothing more is claimed, what runs may finish; a second one gives it back at once.

Examples:
  neolith daemon --all --shell-command './agent.sh'
  neolith daemon --orchestrator Ada --orchestrator Grace --slots 8 --shell-command 'node agent.js'
  neolith daemon --server https://work.example --token-file ~/token --all --shell-command ./agent.sh`,
    )
    .action(async (options) => (await import('./commands/daemon.js')).daemon(terminal, options));

  connected('import')
    .description('Import a plan (our YAML or JSON format, or beads JSONL) as tasks')
    .argument('<file>', 'the plan')
    .option('--orchestrator <name>', 'who gets the tasks, by name or id')
    .option(
      '--assign <tag=name>',
      'tasks with this tag go to that one; may be given several times',
      collect,
      [],
    )
    .option(
      '--source <name>',
      'what the plan is called: the same again updates its tasks (default: its name)',
    )
    .option('--channel <name>', 'the channel of new tasks, by name or id')
    .option('--dry-run', 'change nothing, only tell what would be done')
    .option('--strict', 'refuse a file of which something would be left out')
    .addOption(
      new Option('--missing-priority <priority>', 'of rows that have none').choices([
        'CRITICAL',
        'HIGH',
        'MEDIUM',
        'LOW',
      ]),
    )
    .option(
      '--overlay-deadlines <seed>',
      'give every task a priority and a due date around now, to try things out',
      readSeed,
    )
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Whose a task is: --assign by the first of its tags that is named, else --orchestrator, else what the plan says.
Importing again adds what is new and updates what changed; nothing is deleted.

Examples:
  neolith import plan.yaml --orchestrator Ada
  neolith import .beads/issues.jsonl --assign backend=Ada --assign design=Grace --orchestrator Linus
  neolith import issues.jsonl --dry-run --json`,
    )
    .action(async (file, options) =>
      (await import('./commands/import.js')).importFile(terminal, file, options),
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

  connected('sign-in')
    .description('Make a link that signs a browser in to the dashboard: once, within 15 minutes')
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nExamples:\n  neolith sign-in\n  open "$(neolith sign-in)"')
    .action(async (options) => (await import('./commands/signIn.js')).signIn(terminal, options));

  return program;
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

function readWhole(text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
}

const readCount = (text: string): number => readWhole(text, 1, 1_000);
const readPort = (text: string): number => readWhole(text, 1, 65_535);
const readLeaseSeconds = (text: string): number => readWhole(text, 1, 86_400);
const readSeed = (text: string): number => readWhole(text, 0, 2 ** 31);

function readMinutes(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 24 * 60) return value;
  throw new InvalidArgumentError('It must be a number of minutes from 0 to 1440.');
}
