import { type Command, Option } from 'commander';
import { MERGE_COMMAND } from './planOptions.js';
import { collect, readTimeOrNever } from './readValue.js';

/** Who does the tasks, where, and how their work comes together. */
export function withWorkerOptions(made: Command): Command {
  return made
    .option(
      '--agent <agent>',
      'which agent does the tasks; several times: only these are chosen from (default: whichever of those that are here suits a task)',
      collect,
      [],
    )
    .option(
      '--shell-command <command>',
      'what the shell agent runs, by /bin/sh (default: NEOLITH_SHELL_COMMAND)',
    )
    .option(
      '--agents-config <file>',
      'commands, models, arguments and variables of agents (default: agents.config.json of NEOLITH_HOME or ~/.neolith)',
    )
    .option('--model <model>', 'for agents that can choose one')
    .option('--router <file>', 'which agent takes which task (default: router.config.json of the repository)')
    .option(
      '-r, --repo-path <path>',
      'a git repository: each attempt works in a worktree and on a branch of its own (default: here, unless a shell command does the tasks)',
    )
    .option('--work-directory <directory>', 'no repository: where agents work, all in the same directory')
    .option(
      '--target <branch>',
      'into which finished work is merged (default: a branch of the run, made from HEAD)',
    )
    .addOption(
      new Option('--merge <how>', 'how branches come together: a straight line, or a merge each')
        .choices(['rebase', 'merge'])
        .default('rebase'),
    )
    .option('--check <command>', 'must succeed on the merged work before the target moves, by /bin/sh')
    .option('--merge-command <command>', MERGE_COMMAND)
    .option(
      '--stalled-after <time>',
      'an agent that neither prints nor uses the processor for so long is ended; or "never" (default: 15m)',
      readTimeOrNever(1, 86_400),
    )
    .option(
      '--cache',
      'take over the result of a task that was done with the same prompt, agent and commit to begin at',
    );
}
