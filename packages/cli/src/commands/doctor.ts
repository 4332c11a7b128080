import { resolve } from 'node:path';
import { neolithHome } from '@neolith/database/home';
import type { ConnectionFlags } from '../connection/resolveConnection.js';
import { checkAgents, detectAgents } from '../doctor/checkAgents.js';
import { checkDisk, checkHome, checkNode } from '../doctor/checkMachine.js';
import { checkGit, checkRepository } from '../doctor/checkRepository.js';
import { checkRouter } from '../doctor/checkRouter.js';
import { checkDatabase, checkServer } from '../doctor/checkServer.js';
import { checkStrays } from '../doctor/checkStrays.js';
import { type Finding, type FindingStatus, runChecks } from '../doctor/finding.js';
import { EXIT } from '../output/exitCodes.js';
import { wrapLine } from '../output/fitLine.js';
import { plural } from '../output/plural.js';
import { plainLine, type Style, type Terminal } from '../output/terminal.js';

export interface DoctorFlags extends ConnectionFlags {
  readonly repoPath?: string;
  readonly agentsConfig?: string;
  readonly router?: string;
  readonly json?: true;
}

const ICONS: Readonly<Record<FindingStatus, readonly [string, Style]>> = {
  ok: ['✓', 'green'],
  absent: ['·', 'dim'],
  warning: ['!', 'yellow'],
  failure: ['✗', 'red'],
};

/** `neolith doctor`: what is there, what is missing, and what to do about it. 1 where something is broken. */
export async function doctor(terminal: Terminal, options: DoctorFlags): Promise<void> {
  const home = neolithHome();
  const directory = resolve(options.repoPath ?? '.');
  const detect = detectAgents(options, process.env, directory);
  const findings = await runChecks([
    checkNode,
    checkHome(home),
    checkDisk(home),
    checkGit,
    checkRepository(directory, home),
    checkAgents(detect),
    checkRouter(
      { path: resolve(options.router ?? directory), isNamed: options.router !== undefined },
      detect,
    ),
    checkDatabase(process.env),
    checkServer(options, home),
    checkStrays(home),
  ]);
  const broken = findings.filter(({ status }) => status === 'failure').length;
  process.exitCode = broken > 0 ? EXIT.failed : EXIT.ok;
  if (options.json) {
    terminal.json({ ok: broken === 0, findings });
    return;
  }
  for (const finding of findings) for (const line of describe(finding, terminal)) terminal.out(line);
  terminal.out();
  terminal.out(
    broken === 0 ? 'Nothing is broken.' : `${broken} of ${plural(findings.length, 'check')} failed.`,
  );
}

function describe({ status, detail, remedy }: Finding, terminal: Terminal): string[] {
  const [icon, style] = ICONS[status];
  const [first = '', ...others] = wrapLine(plainLine(detail), terminal.columns() - 2);
  return [
    `${terminal.style(style, icon)} ${first}`,
    ...others.map((line) => `  ${line}`),
    ...(remedy === undefined
      ? []
      : wrapLine(plainLine(remedy), terminal.columns(), '    ').map((line) => terminal.style('dim', line))),
  ];
}
