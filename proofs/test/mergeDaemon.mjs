// A daemon whose merges take a moment and are written down, in a process of its own: see runMergeStage.
// Arguments: name, ledger file, whether it is the one that hangs in its first merge.
import { appendFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from '@neolith/contracts';
import { createAgent, createDaemon, createLog, plainWorkplace } from '@neolith/daemon';

const [name, ledger, hangs] = process.argv.slice(2);
const token = process.env.NEOLITH_TOKEN;
const write = (line) => appendFileSync(ledger, `${line}\n`);

/** One in seven fails at its first attempt. */
function fails({ context }) {
  return Number(context.task.title.split(' ')[1]) % 7 === 0 && context.previousAttempts.length === 0;
}

const merger = {
  name: 'ledger',
  start: async (request) => {
    write(`begin ${request.attemptId} ${name}`);
    const finished = (async () => {
      if (hangs === 'hangs') {
        write(`hangs ${request.attemptId} ${name}`);
        await delay(600_000);
      }
      await delay(40 + (process.pid % 5) * 10);
      write(`end ${request.attemptId} ${name}`);
      return fails(request) ? { kind: 'failed', error: 'A conflict' } : { kind: 'merged' };
    })();
    return { finished, terminate: () => undefined };
  },
};

const daemon = createDaemon({
  client: createClient({ baseUrl: process.env.NEOLITH_URL, token }),
  agent: createAgent(
    'shell',
    { hostEnvironment: process.env, baseDirectory: process.cwd() },
    { shell: { command: 'true' } },
  ),
  merger,
  name,
  version: 'test',
  orchestrators: 'all',
  attemptsDirectory: join(dirname(ledger), name),
  workplace: plainWorkplace(process.cwd()),
  slots: 3,
  leaseSeconds: 4,
  secrets: [token],
  log: createLog({
    form: 'json',
    colour: false,
    level: 'warn',
    secrets: [token],
    write: (line) => process.stderr.write(line),
  }),
});
await daemon.start();
write(`ready ${name}`);
await daemon.finished;
