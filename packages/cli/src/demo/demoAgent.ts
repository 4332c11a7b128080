// An agent for trying things out: it pretends to do its task. It reads the context, takes 10 to 40 seconds, tells how
// far it is, prints a log and a believable result. One task in seven fails at its first attempt, so that retries can be
// seen. The same task takes the same time and ends the same way. `--speed N` makes it N times as fast.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { type DemoContext, planDemoWork } from './planDemoWork.js';

function say(message: object): void {
  process.stdout.write(`::neolith ${JSON.stringify(message)}\n`);
}

/** As if a token were four characters; it costs nothing, so no cost is told. */
function countUsage(context: DemoContext, written: string): object {
  return {
    inputTokens: Math.ceil(JSON.stringify(context).length / 4),
    outputTokens: Math.ceil(written.length / 4),
    model: 'demo',
  };
}

async function work(context: DemoContext, speed: number): Promise<void> {
  const { steps, durationMs, failure, output, notes } = planDemoWork(context);
  for (const [index, { message, printed }] of steps.entries()) {
    say({ progress: Math.round((index / steps.length) * 100), message });
    for (const line of printed) {
      process.stdout.write(`${line}\n`);
      await sleep(durationMs / steps.length / printed.length / speed);
    }
    if (failure !== null && index >= steps.length / 2) {
      process.stderr.write(`${failure}\n`);
      process.exitCode = 1;
      return;
    }
  }
  say({ progress: 100, message: 'Done' });
  say({ usage: countUsage(context, notes) });
  say({ artifact: { type: 'notes', content: notes } });
  say({ output });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const at = process.argv.indexOf('--speed');
  const speed = at === -1 ? 1 : Number(process.argv[at + 1]);
  await work(JSON.parse(readFileSync(0, 'utf8')) as DemoContext, speed > 0 ? speed : 1);
}
