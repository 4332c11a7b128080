import { CommanderError } from 'commander';
import { describeFailure } from './output/describeFailure.js';
import { EXIT, exitCodeOf } from './output/exitCodes.js';
import { openTerminal } from './output/terminal.js';
import { createProgram } from './program.js';

/** Runs the command line and sets the exit code of this process; `argv` as Node gives it. */
export async function runCommandLine(argv: readonly string[]): Promise<void> {
  // A reader that has seen enough (`| head`) or a terminal that was closed is no failure, and no reason to end: `start`
  // and `daemon` have children to end first.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
    });
  }
  const terminal = openTerminal();
  const json = argv.includes('--json');
  // Time limits of calls hold no process. Where a program on the server's port closes each connection at once, a call
  // waits with nothing else open, and Node would end without a word.
  const alive = setInterval(() => undefined, 2 ** 30);
  try {
    await createProgram(terminal, json).parseAsync([...argv]);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
      if (json && error.exitCode !== 0) {
        const message = error.message.replace(/^error: /, '');
        terminal.note(JSON.stringify({ error: { code: 'USAGE_WRONG', message } }));
      }
      return;
    }
    const failure = describeFailure(error);
    if (json) terminal.note(JSON.stringify({ error: failure }));
    else {
      terminal.note(`${terminal.style('red', 'neolith:')} ${failure.message}`);
      if (process.env.NEOLITH_DEBUG && error instanceof Error) terminal.note(error.stack);
    }
    process.exitCode = exitCodeOf(error);
  } finally {
    clearInterval(alive);
  }
}
