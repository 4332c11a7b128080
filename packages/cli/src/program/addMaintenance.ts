import type { Command } from 'commander';
import type { Terminal } from '../output/terminal.js';

type MakeCommand = (name: string) => Command;

/** The commands that look after a machine and its repositories. */
export function addMaintenance(connected: MakeCommand, terminal: Terminal): void {
  connected('doctor')
    .description(
      'Look at what is needed here: git, agents, routing, database, server, disk, strays; and say what to do',
    )
    .option('-r, --repo-path <path>', 'the repository to look at (default: here)')
    .option(
      '--agents-config <file>',
      'commands and variables of agents (default: agents.config.json of NEOLITH_HOME or ~/.neolith)',
    )
    .option('--router <file>', 'which agent takes which task (default: router.config.json of the repository)')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      '\nExit code 1 where something is broken.\n\nExamples:\n  neolith doctor\n  neolith doctor --json',
    )
    .action(async (options) => (await import('../commands/doctor.js')).doctor(terminal, options));

  connected('cleanup')
    .description('Remove worktrees and branches whose work is provably merged, and list all others')
    .option('-r, --repo-path <path>', 'the repository (default: here)')
    .option('-n, --dry-run', 'only tell what would be removed')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      `
Kept is whatever has changes that are not committed, files that git doesn't
know, commits that are in no target, or somebody at work in it; each with the
reason.

Examples:
  neolith cleanup --dry-run
  neolith cleanup -r ../shop`,
    )
    .action(async (options) => (await import('../commands/cleanup.js')).cleanup(terminal, options));

  connected('prompt')
    .description('Print what an agent would be told about a task')
    .argument('<task>', 'its id')
    .option('--agent <agent>', 'which agent', 'claude')
    .option('-r, --repo-path <path>', 'the repository that it would work in (default: here)')
    .addHelpText('after', '\nExamples:\n  neolith prompt task_0199… --agent codex')
    .action(async (task, options) => (await import('../commands/prompt.js')).prompt(terminal, task, options));

  connected('answer')
    .description('Let a task go on that waits for a person, with an answer for its agent')
    .argument('<task>', 'by id or title')
    .argument('[text...]', 'the answer')
    .option('--json', 'print the task as JSON')
    .addHelpText(
      'after',
      '\nThe answer becomes part of what the agent is told.\n\nExamples:\n  neolith answer task_0199… "One row per workspace."',
    )
    .action(async (task, text, options) =>
      (await import('../commands/answer.js')).answer(terminal, task, text, options),
    );

  connected('attach')
    .description('Watch what goes on: a run with its tasks, or the output of one task')
    .argument('<what>', 'a run, by name or id, or the id of a task')
    .option('--json', 'print events as JSON, one object a line')
    .addHelpText(
      'after',
      '\nChanges nothing; Ctrl-C ends only the watching.\n\nExamples:\n  neolith attach "Release 2026.4"\n  neolith attach task_0199…',
    )
    .action(async (what, options) => (await import('../commands/attach.js')).attach(terminal, what, options));
}
