import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from '@neolith/contracts';
import { neolithHome } from '@neolith/database/home';
import { CommandError } from '../output/commandError.js';
import type { Terminal } from '../output/terminal.js';
import { OWN_COMMAND } from '../ownCommand.js';
import { seedWorkspace } from '../seed/seedWorkspace.js';
import { findWeb, type WebProgram } from '../start/findWeb.js';
import { holdHome } from '../start/holdHome.js';
import { openLog, prepareHome } from '../start/home.js';
import { childEnvironment, describeRestart, openServer } from '../start/openServer.js';
import { type AskedToEnd, listenForEnd } from '../start/signals.js';
import { readStartRecord } from '../start/startRecord.js';
import { type SupervisedChild, superviseChild } from '../start/superviseChild.js';
import { waitUntilReady } from '../start/waitUntilReady.js';

export interface StartFlags {
  readonly port?: number;
  readonly slots: number;
  readonly shellCommand?: string;
  readonly daemon: boolean;
  readonly seed: boolean;
  readonly json?: true;
}

const READY_MS = 90_000;
/** How long agents may finish when everything ends; minutes, as the daemon takes it. */
const DRAIN_MINUTES = 0.1;
const DAEMON_GRACE_MS = 30_000;
const FORCED_GRACE_MS = 10_000;

/** `neolith start`: database, server and one daemon as processes of their own, until it is told to end. */
export async function start(terminal: Terminal, options: StartFlags): Promise<void> {
  const web = findWeb();
  const home = neolithHome();
  await prepareHome(home);
  const held = await holdHome(home, (message) => terminal.note(message));
  if (held === null) return greetAgain(terminal, home, options);
  const asked = listenForEnd();
  try {
    await run(terminal, { web, home, life: held.life, options, asked });
  } finally {
    await held.letGo();
  }
}

interface Run {
  readonly web: WebProgram;
  readonly home: string;
  readonly life: string;
  readonly options: StartFlags;
  readonly asked: AskedToEnd;
}

async function run(terminal: Terminal, { web, home, life, options, asked }: Run): Promise<void> {
  const tell = (message: string): void => terminal.note(terminal.style('dim', message));
  const warn = (message: string): void => terminal.note(terminal.style('yellow', message));
  const server = await openServer({ web, home, life, port: options.port, asked, tell, warn });
  if (server === null) return;
  const { url, tokenFile } = server;
  let log: Awaited<ReturnType<typeof openLog>> | null = null;
  let daemon: SupervisedChild | null = null;
  try {
    const client = createClient({ baseUrl: url, token: readFileSync(tokenFile, 'utf8').trim() });
    if (options.seed) {
      const seeded = await seedWorkspace(client, new Date());
      if (seeded !== null)
        tell(`Made a demo workspace: ${seeded.orchestrators} orchestrators, ${seeded.tasks} tasks.`);
    }
    if (asked.isAsked()) return;
    if (options.daemon) {
      const { file, handle } = await openLog(home, 'daemon');
      log = { file, handle };
      daemon = superviseChild(
        {
          name: 'daemon',
          command: process.execPath,
          args: daemonArguments(url, tokenFile, options),
          cwd: process.cwd(),
          environment: childEnvironment(life, { NEOLITH_HOME: home }),
          log: handle,
        },
        { onRestart: (ending, delayMs) => warn(describeRestart('daemon', ending, delayMs, file)) },
      );
    }
    await greet(terminal, { home, url, options, isRunning: false });
    await server.watch();
  } finally {
    if (asked.isAsked())
      terminal.note('Ending: agents may finish for a few seconds. Ctrl-C again ends them at once.');
    if (daemon !== null) await endDaemon(daemon, asked);
    await server.close();
    await log?.handle.close();
    if (asked.isAsked()) terminal.note('Ended. The data is kept; `neolith start` goes on from here.');
  }
}

/** Before its server. A second signal ends its agents at once: it gives their tasks back on a second TERM. */
async function endDaemon(daemon: SupervisedChild, asked: AskedToEnd): Promise<void> {
  const stopped = daemon.stop(DAEMON_GRACE_MS);
  void asked.again.then(() => daemon.stop(FORCED_GRACE_MS));
  await stopped;
}

function daemonArguments(url: string, tokenFile: string, options: StartFlags): string[] {
  const demo = fileURLToPath(new URL('../demo/demoAgent.js', import.meta.url));
  const command = options.shellCommand ?? `exec ${quote(process.execPath)} ${quote(demo)}`;
  return [
    ...[...OWN_COMMAND.slice(1), 'daemon', '--server', url, '--token-file', tokenFile, '--all'],
    ...['--slots', String(options.slots), '--drain-minutes', String(DRAIN_MINUTES)],
    ...['--shell-command', command],
    // What somebody executes is not to be pretended.
    ...(options.shellCommand === undefined ? ['--run', 'none'] : []),
  ];
}

/** As one word for /bin/sh. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

interface Greeting {
  readonly home: string;
  readonly url: string;
  readonly options: StartFlags;
  readonly isRunning: boolean;
}

async function greetAgain(terminal: Terminal, home: string, options: StartFlags): Promise<void> {
  const record = readStartRecord(home);
  const isUp = record !== null && (await waitUntilReady(record.url, READY_MS, () => false));
  if (!isUp) {
    throw new CommandError(
      'conflict',
      'STARTING_ELSEWHERE',
      `Another \`neolith start\` holds ${home}${record === null ? '' : ` (process ${record.pid})`}, but its server does not answer. End that one, then start again.`,
    );
  }
  await greet(terminal, { home, url: record.url, options, isRunning: true });
}

async function greet(terminal: Terminal, { home, url, options, isRunning }: Greeting): Promise<void> {
  const tokenFile = join(home, 'token');
  const client = createClient({ baseUrl: url, token: readFileSync(tokenFile, 'utf8').trim() });
  const link = await client.createSignInLink({ body: {} });
  const logs = join(home, 'logs');
  if (options.json) {
    terminal.json({
      url,
      signInUrl: link.url,
      signInExpiresAt: link.expiresAt,
      tokenFile,
      home,
      logs,
      alreadyRunning: isRunning,
    });
    return;
  }
  const bold = (text: string): string => terminal.style('bold', text);
  terminal.out();
  terminal.out(
    isRunning ? `${bold('Neolith runs already.')}` : terminal.style('green', bold('Neolith is up.')),
  );
  terminal.out();
  terminal.out(`  Dashboard   ${terminal.style('cyan', url)}`);
  terminal.out(`  Sign in     ${terminal.style('cyan', link.url)}`);
  terminal.out(
    terminal.style('dim', '              (once, within 15 minutes; another one: npx neolith sign-in)'),
  );
  terminal.out(`  Token       ${tokenFile}`);
  terminal.out(`  Logs        ${logs}`);
  if (!isRunning && options.daemon && options.shellCommand === undefined) {
    terminal.out(
      terminal.style(
        'dim',
        '  A demo agent only pretends to do the tasks. Your own: --shell-command, or `neolith daemon`.',
      ),
    );
  }
  terminal.out();
  terminal.out(`  Next        ${bold('npx neolith status')}`);
  if (!isRunning) terminal.out(terminal.style('dim', '  Ctrl-C ends everything; the data is kept.'));
  terminal.out();
}
