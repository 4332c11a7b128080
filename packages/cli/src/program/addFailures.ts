import { Argument, type Command } from 'commander';
import type { Terminal } from '../output/terminal.js';
import { readLimit, readTime } from './readValue.js';

type Make = (name: string) => Command;

const WEEK_SECONDS = 7 * 86_400;

/** What to do where much fails: breakers of agents, and tasks that are parked. */
export function addFailures(command: Make, connect: (made: Command) => Command, terminal: Terminal): void {
  addBreakers(connect(command('breakers')), connect, terminal);
  addDeadLetters(connect(command('dead-letters')), connect, terminal);
}

function addBreakers(breakers: Command, connect: (made: Command) => Command, terminal: Terminal): void {
  const under = (name: string) =>
    connect(breakers.command(name).exitOverride()).option('--json', 'print it as JSON');
  const named = (made: Command) =>
    made
      .argument('<agent>', 'such as claude')
      .option('--provider <provider>', 'whose service it uses (default: the one that is known of it)')
      .option('--reason <text>', 'why, for the history');
  const listing = (made: Command) =>
    made.allowExcessArguments().action(async (_options, self: Command) => {
      const [unknown] = self.args;
      if (unknown !== undefined) self.error(`error: unknown command 'breakers ${unknown}'`);
      await (await import('../commands/breakers.js')).listBreakers(terminal, self.optsWithGlobals());
    });
  listing(breakers.option('--json', 'print it as JSON'))
    .description('List the circuit breakers of agents; hold one open or closed, or release it')
    .addHelpText(
      'after',
      `
An agent whose breaker is open gets no work: the next agent of the routing does
it, or it waits. Half-open: one attempt shows whether the agent works again.

Examples:
  neolith breakers
  neolith breakers force open claude --for 2h --reason "quota for the demo"
  neolith breakers force closed opencode --provider anthropic
  neolith breakers release claude`,
    );
  listing(under('list')).description('List the breakers that have ever opened or been forced');
  named(under('force').addArgument(new Argument('<state>', 'open or closed').choices(['open', 'closed'])))
    .description('Hold a breaker open or closed, whatever happens')
    .option('--for <time>', 'with open: for so long, such as 90s, 5m, 2h', readTime(1, WEEK_SECONDS))
    .addHelpText('after', '\nExamples:\n  neolith breakers force open claude --for 2h')
    .action(async (state, agent, _options, self: Command) =>
      (await import('../commands/breakers.js')).forceBreaker(terminal, state, agent, self.optsWithGlobals()),
    );
  named(under('release'))
    .description('Let a breaker move by itself again; one that is open is tried again at once')
    .addHelpText('after', '\nExamples:\n  neolith breakers release claude')
    .action(async (agent, _options, self: Command) =>
      (await import('../commands/breakers.js')).releaseBreaker(terminal, agent, self.optsWithGlobals()),
    );
}

function addDeadLetters(letters: Command, connect: (made: Command) => Command, terminal: Terminal): void {
  const under = (name: string) =>
    connect(letters.command(name).exitOverride()).option('--json', 'print it as JSON');
  const listing = (made: Command) =>
    made
      .option('--run <run>', 'only of this run, by name or id')
      .option('--orchestrator <name>', 'only of this orchestrator, by name or id')
      .option('--limit <number>', 'how many (default: 50)', readLimit)
      .allowExcessArguments()
      .action(async (_options, self: Command) => {
        const [unknown] = self.args;
        if (unknown !== undefined) self.error(`error: unknown command 'dead-letters ${unknown}'`);
        await (await import('../commands/deadLetters.js')).listDeadLetters(terminal, self.optsWithGlobals());
      });
  listing(letters.option('--json', 'print it as JSON'))
    .description('List the tasks that are parked because they failed for good; redrive them')
    .addHelpText(
      'after',
      `
Examples:
  neolith dead-letters --run "Release 2026.4"
  neolith dead-letters show "Write the parser"
  neolith dead-letters redrive "Write the parser"
  neolith dead-letters redrive --run "Release 2026.4"`,
    );
  listing(under('list')).description('List them, newest first');
  under('show')
    .description('Show every attempt at a task, and its history')
    .argument('<task>', 'by id or title')
    .addHelpText('after', '\nExamples:\n  neolith dead-letters show task_0199…')
    .action(async (task, _options, self: Command) =>
      (await import('../commands/deadLetters.js')).showDeadLetter(terminal, task, self.optsWithGlobals()),
    );
  under('redrive')
    .description('Give parked tasks another chance, with their budgets afresh')
    .argument('[tasks...]', 'by id or title')
    .option('--run <run>', 'all of this run, by name or id')
    .option('--orchestrator <name>', 'all of this orchestrator, by name or id')
    .option('--all', 'all there are')
    .addHelpText(
      'after',
      '\nExit code 4 where none could be.\n\nExamples:\n  neolith dead-letters redrive task_0199… task_0198…\n  neolith dead-letters redrive --all',
    )
    .action(async (tasks, _options, self: Command) =>
      (await import('../commands/deadLetters.js')).redriveDeadLetters(
        terminal,
        tasks ?? [],
        self.optsWithGlobals(),
      ),
    );
}
