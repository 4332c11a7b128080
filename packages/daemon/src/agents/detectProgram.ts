import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { superviseProcess } from '../process/superviseProcess.js';
import type { AgentDetection } from './agentAdapter.js';
import { findProgram } from './findProgram.js';

export interface ProgramToDetect {
  /** As people call it. */
  readonly title: string;
  /** A name, or an absolute path. */
  readonly program: string;
  /** Before those that ask for the version. */
  readonly leadingArguments: readonly string[];
  readonly versionArguments: readonly string[];
  readonly path: string;
  readonly environment: Readonly<Record<string, string>>;
  /** What to do when it is not there. */
  readonly install: string;
}

/** Some unpack themselves on their first call. */
const VERSION_TIMEOUT_MS = 20_000;
const VERSION = /\bv?(\d{1,6}\.\d{1,6}(?:\.\d{1,10})?(?:[-+.][0-9A-Za-z.-]{1,40})?)/;

/** Looks for a program and asks it for its version. Never throws. */
export async function detectProgram(wanted: ProgramToDetect): Promise<AgentDetection> {
  const path = await findProgram(wanted.program, wanted.path);
  if (path === null) {
    return {
      found: false,
      remedy: `${wanted.title} was not found: ${JSON.stringify(wanted.program)} is no executable file in PATH. ${wanted.install}`,
    };
  }
  const { exited } = superviseProcess({
    command: path,
    args: [...wanted.leadingArguments, ...wanted.versionArguments],
    cwd: tmpdir(),
    environment: wanted.environment,
    timeoutMs: VERSION_TIMEOUT_MS,
    graceMs: 1_000,
    outputLimitBytes: 64 * 1024,
    runMarker: `detect_${randomUUID()}`,
  });
  const outcome = await exited;
  if (outcome.kind === 'exited' && outcome.code === 0) {
    const version = VERSION.exec(`${outcome.stdout.text}\n${outcome.stderr.text}`.slice(0, 4_096))?.[1];
    return { found: true, path, ...(version === undefined ? {} : { version }) };
  }
  const words = `${outcome.stderr.text}\n${outcome.stdout.text}`.trim().slice(0, 300);
  const how =
    outcome.kind === 'timed_out' ? `did not answer within ${VERSION_TIMEOUT_MS / 1_000} s` : 'failed';
  return {
    found: false,
    path,
    remedy: `${path} is there, but asking it for its version ${how}${words === '' ? '' : ` (${words})`}. Start it once by hand to see what it lacks.`,
  };
}
