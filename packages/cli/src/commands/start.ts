import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from '@neolith/contracts';
import { DaemonError, describeDaemonLife, endStrays, holdName } from '@neolith/daemon';
import { neolithHome } from '@neolith/database';
import { CommandError } from '../output/commandError.js';
import type { Terminal } from '../output/terminal.js';
import { seedWorkspace } from '../seed/seedWorkspace.js';
import { choosePort } from '../start/choosePort.js';
import { findWeb } from '../start/findWeb.js';
import { openLog, prepareHome, writeStartRecord } from '../start/home.js';
import { type AskedToEnd, listenForEnd } from '../start/signals.js';
import { type StartedDatabase, startDatabase } from '../start/startDatabase.js';
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
const WATCH_MS = 2_000;
/** A server that ends so often before it was ready won't be. */
const ENDINGS_MAX = 3;
/** How long agents may finish when everything ends; minutes, as the daemon takes it. */
const DRAIN_MINUTES = 0.1;
const DAEMON_GRACE_MS = 30_000;
const WEB_GRACE_MS = 10_000;
/** Of what a killed start left: their work is lost to the lease either way, and somebody waits for the screen. */
const STRAYS_GRACE_MS = 2_000;

/** `neolith start`: database, server and one daemon as processes of their own, until it is told to end. */
export async function start(terminal: Terminal, options: StartFlags): Promise<void> {
  const web = findWeb();
  const home = neolithHome();
  await prepareHome(home);
  const marker = `neolith-start ${home}`;
  const life = await describeDaemonLife(marker);
  const letGo = await holdName(join(home, 'start'), 'start', life).catch((error: unknown) => {
    if (error instanceof DaemonError && error.code === 'NAME_IN_USE') return null;
    throw error;
  });
  if (letGo === null) return greetAgain(terminal, home, options);
  const asked = listenForEnd();
  try {
    const left = await endStrays(marker, { graceMs: STRAYS_GRACE_MS });
    if (left.signalled > 0)
      terminal.note(`Ended ${left.signalled} processes that the last start had left running.`);
    await run(terminal, { web, home, life, options, asked });
  } finally {
    await letGo();
  }
}

interface Run {
  readonly web: ReturnType<typeof findWeb>;
  readonly home: string;
  readonly life: string;
  readonly options: StartFlags;
  readonly asked: AskedToEnd;
}

async function run(terminal: Terminal, { web, home, life, options, asked }: Run): Promise<void> {
  const host = process.env.HOST || '127.0.0.1';
  const remembered = readStartRecord(home)?.port;
  const port = await choosePort({ host, wanted: options.port, remembered });
  const url = `http://${['0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host}:${port}`;
  const record = { life, pid: process.pid, port, url };
  const tell = (message: string): void => terminal.note(terminal.style('dim', message));

  const children: SupervisedChild[] = [];
  let database: StartedDatabase | null = null;
  const logs = [await openLog(home, 'web'), await openLog(home, 'daemon')] as const;
  const [webLog, daemonLog] = logs;
  try {
    if (!process.env.DATABASE_URL) tell('Starting PostgreSQL …');
    database = await startDatabase(home, process.env, tell);
    if (asked.isAsked()) return;
    tell('Starting the server …');
    const server = superviseChild(
      {
        name: 'server',
        command: process.execPath,
        args: [web.script, 'start', '-H', host, '-p', String(port)],
        cwd: web.directory,
        environment: childEnvironment(life, {
          DATABASE_URL: database.url,
          NEOLITH_HOME: home,
          NODE_ENV: 'production',
        }),
        log: webLog.handle,
      },
      { onRestart: reportRestart(terminal, 'server', webLog.file) },
    );
    children.push(server);
    await writeStartRecord(home, record);
    const hopeless = (): boolean => server.endings() >= ENDINGS_MAX || asked.isAsked();
    if (!(await waitUntilReady(url, READY_MS, hopeless))) {
      if (asked.isAsked()) return;
      throw new CommandError(
        'failed',
        'SERVER_NOT_READY',
        `The server did not come up. Its log, ${webLog.file}, ends with:\n${lastLines(webLog.file)}`,
      );
    }
    const tokenFile = join(home, 'token');
    if (!existsSync(tokenFile)) {
      throw new CommandError(
        'failed',
        'TOKEN_MISSING',
        `The server made no token file ${tokenFile}. Its log: ${webLog.file}`,
      );
    }
    const client = createClient({ baseUrl: url, token: readFileSync(tokenFile, 'utf8').trim() });
    if (options.seed) {
      const seeded = await seedWorkspace(client, new Date());
      if (seeded !== null)
        tell(`Made a demo workspace: ${seeded.orchestrators} orchestrators, ${seeded.tasks} tasks.`);
    }
    if (asked.isAsked()) return;
    if (options.daemon) {
      children.push(
        superviseChild(
          {
            name: 'daemon',
            command: process.execPath,
            args: daemonArguments(url, tokenFile, options),
            cwd: process.cwd(),
            environment: childEnvironment(life, { NEOLITH_HOME: home }),
            log: daemonLog.handle,
          },
          { onRestart: reportRestart(terminal, 'daemon', daemonLog.file) },
        ),
      );
    }
    await greet(terminal, { home, url, options, isRunning: false });
    await watch(database, server, asked, terminal);
  } finally {
    await endAll(terminal, children, database, asked);
    await writeStartRecord(home, { ...record, life: '' });
    for (const { handle } of logs) await handle.close();
  }
}

/** What children see: our environment without what would lead them to another server, and our marker. */
function childEnvironment(life: string, more: Record<string, string>): Record<string, string | undefined> {
  const { NEOLITH_URL: _url, NEOLITH_TOKEN: _token, NEOLITH_TOKEN_FILE: _file, ...rest } = process.env;
  return { ...rest, NEXT_TELEMETRY_DISABLED: '1', ...more, NEOLITH_DAEMON: life };
}

function daemonArguments(url: string, tokenFile: string, options: StartFlags): string[] {
  const entry = fileURLToPath(new URL('../../bin/neolith.js', import.meta.url));
  const demo = fileURLToPath(new URL('../demo/demoAgent.js', import.meta.url));
  const command = options.shellCommand ?? `exec ${quote(process.execPath)} ${quote(demo)}`;
  return [
    ...[entry, 'daemon', '--server', url, '--token-file', tokenFile, '--all'],
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

function reportRestart(terminal: Terminal, name: string, file: string) {
  return (ending: string, delayMs: number): void =>
    terminal.note(
      terminal.style(
        'yellow',
        `The ${name} ended (${ending}); starting it again in ${delayMs / 1_000} s. Its log: ${file}`,
      ),
    );
}

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
}

/** Until we are told to end: sees to it that an embedded database lives. */
async function watch(
  database: StartedDatabase,
  server: SupervisedChild,
  asked: AskedToEnd,
  terminal: Terminal,
): Promise<void> {
  let { url } = database;
  let looking: Promise<void> | null = null;
  const look = async (): Promise<void> => {
    try {
      const revived = await database.revive();
      if (revived === null || asked.isAsked()) return;
      terminal.note(terminal.style('yellow', 'PostgreSQL had ended; it was started again.'));
      if (revived === url) return;
      url = revived;
      await server.restart({ DATABASE_URL: revived });
    } catch (error) {
      terminal.note(
        terminal.style('red', `PostgreSQL ended and can't be started: ${(error as Error).message}`),
      );
    }
  };
  const timer = setInterval(() => {
    looking ??= look().finally(() => {
      looking = null;
    });
  }, WATCH_MS);
  // Holds this process also where nothing is to be watched.
  await asked.once;
  clearInterval(timer);
  await looking;
}

/** In order: who uses something ends before it. A second signal ends what is left at once. */
async function endAll(
  terminal: Terminal,
  children: readonly SupervisedChild[],
  database: StartedDatabase | null,
  asked: AskedToEnd,
): Promise<void> {
  if (asked.isAsked())
    terminal.note('Ending: agents may finish for a few seconds. Ctrl-C again ends them at once.');
  for (const child of [...children].reverse()) {
    const isDaemon = child.name === 'daemon';
    const stopped = child.stop(isDaemon ? DAEMON_GRACE_MS : WEB_GRACE_MS);
    // The daemon gives its tasks back on a second TERM; the server has nothing to lose.
    void asked.again.then(() => child.stop(isDaemon ? WEB_GRACE_MS : 0));
    await stopped;
  }
  if (database !== null) await database.stop();
  if (asked.isAsked()) terminal.note('Ended. The data is kept; `neolith start` goes on from here.');
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
