import type { Command } from 'commander';
import type { Terminal } from '../output/terminal.js';
import { readDays } from './readValue.js';

/** Which agent does what, and why. */
export function addRoutes(
  command: (name: string) => Command,
  connect: (made: Command) => Command,
  terminal: Terminal,
): void {
  connect(command('routes'))
    .description('Show how well each agent does, or why the attempts at a task went to their agents')
    .argument('[task]', 'by id or title')
    .option('--days <number>', 'attempts of so many days (default: 30)', readDays)
    .option('--json', 'print it as JSON')
    .option('--schema', 'print the JSON Schema of router.config.json, for editors')
    .addHelpText(
      'after',
      `
Examples:
  neolith routes
  neolith routes "Write the parser"
  neolith routes --schema > router.schema.json`,
    )
    .action(async (task: string | undefined, _options, self: Command) => {
      const { showFigures, showRoutes } = await import('../commands/routes.js');
      const options = self.optsWithGlobals();
      if (options.schema === true) {
        const { makeRouterJsonSchema } = await import('@neolith/daemon');
        terminal.json(makeRouterJsonSchema());
        return;
      }
      await (task === undefined ? showFigures(terminal, options) : showRoutes(terminal, task, options));
    });
}
