import { type Asked, askDaemon, SOCKET_VARIABLE } from '@neolith/daemon/asking';
import { AskError } from '@neolith/daemon/errors';
import { CommandError } from '../output/commandError.js';
import { EXIT } from '../output/exitCodes.js';
import { plainLine, type Terminal } from '../output/terminal.js';

export interface AcquireFlags {
  readonly shared?: true;
  /** Seconds. */
  readonly wait: number;
  readonly json?: true;
}

/**
 * `neolith acquire RESOURCE…`, called by an agent at work: asks the daemon that runs it for resources, by the socket that its
 * environment names. No token is needed, and none is looked for. The exit code is the answer.
 */
export async function acquire(
  terminal: Terminal,
  names: readonly string[],
  options: AcquireFlags,
): Promise<void> {
  const socketPath = process.env[SOCKET_VARIABLE];
  if (socketPath === undefined || socketPath === '') {
    throw new CommandError(
      'usage',
      'NO_ATTEMPT',
      `${SOCKET_VARIABLE} is not set: this command is for agents at work, whose daemon sets it.`,
    );
  }
  const resources = names.map((name) =>
    options.shared ? { resource: name, mode: 'shared' as const } : name,
  );
  try {
    const asked = await askDaemon(socketPath, { resources, waitSeconds: options.wait });
    process.exitCode = asked.granted ? EXIT.ok : EXIT.resourceInUse;
    if (options.json) terminal.json(asked);
    else for (const line of describe(asked, names)) terminal.out(line);
  } catch (error) {
    if (error instanceof AskError && error.code === 'INVALID_INPUT')
      throw new CommandError('usage', 'RESOURCE_INVALID', error.message, { cause: error });
    throw error;
  }
}

/** As lines of text. Pure. */
function describe({ granted, waitsFor }: Asked, names: readonly string[]): string[] {
  if (granted) return [`Granted until this attempt ends: ${names.map(plainLine).join(' ')}`];
  return [
    'Not granted; nothing is waited for any more.',
    ...waitsFor.map(
      ({ resource, title, taskId, holds }) =>
        `  ${plainLine(resource)} ${holds ? 'is held by' : 'was asked for earlier by'} ${plainLine(title)} (${taskId})`,
    ),
  ];
}
