import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient, type NeolithClient } from '@neolith/contracts';
import { CommandError } from '../output/commandError.js';
import { readStartRecord } from '../start/startRecord.js';

export interface ConnectionFlags {
  readonly server?: string;
  readonly tokenFile?: string;
}

export interface Connection {
  /** Without `/api/v1` and without a slash at its end. */
  readonly url: string;
  readonly token: string;
  /** For messages: where the token came from. */
  readonly tokenSource: string;
  readonly client: NeolithClient;
}

export const DEFAULT_URL = 'http://127.0.0.1:3000';

/**
 * Where the server is and with which token: flags first, then `NEOLITH_URL` with `NEOLITH_TOKEN` or
 * `NEOLITH_TOKEN_FILE`, else what `neolith start` left in `home`. The token of this machine is never sent elsewhere
 * unless its file is named.
 *
 * @throws CommandError `usage` where one half of a pair is missing, `failed` where the token can't be read
 */
export function resolveConnection(flags: ConnectionFlags, env: NodeJS.ProcessEnv, home: string): Connection {
  const fromEnv = {
    url: env.NEOLITH_URL || undefined,
    token: env.NEOLITH_TOKEN || undefined,
    tokenFile: env.NEOLITH_TOKEN_FILE || undefined,
  };
  if (fromEnv.token !== undefined && fromEnv.tokenFile !== undefined) {
    throw halfSet('NEOLITH_TOKEN and NEOLITH_TOKEN_FILE are both set. Set only one of them.');
  }
  const hasEnvToken = fromEnv.token !== undefined || fromEnv.tokenFile !== undefined;
  if (fromEnv.url !== undefined && !hasEnvToken && flags.tokenFile === undefined) {
    throw halfSet(
      'NEOLITH_URL is set, but neither NEOLITH_TOKEN nor NEOLITH_TOKEN_FILE is. Set one of them too.',
    );
  }
  if (hasEnvToken && fromEnv.url === undefined && flags.server === undefined) {
    const name = fromEnv.token === undefined ? 'NEOLITH_TOKEN_FILE' : 'NEOLITH_TOKEN';
    throw halfSet(`${name} is set, but NEOLITH_URL is not. Set it to the server's address too.`);
  }
  const url = checkUrl(
    flags.server ?? fromEnv.url ?? readStartRecord(home)?.url ?? DEFAULT_URL,
    flags.server !== undefined ? '--server' : 'NEOLITH_URL',
  );
  const explicitFile = flags.tokenFile ?? (fromEnv.token === undefined ? fromEnv.tokenFile : undefined);
  if (explicitFile === undefined && fromEnv.token === undefined && !isLoopback(url)) {
    throw halfSet(
      `--server names ${url}, but there is no token for it. Give --token-file FILE, or set NEOLITH_TOKEN or NEOLITH_TOKEN_FILE.`,
    );
  }
  if (explicitFile === undefined && fromEnv.token !== undefined) {
    return connect(url, fromEnv.token.trim(), 'NEOLITH_TOKEN');
  }
  const file = explicitFile ?? join(home, 'token');
  return connect(url, readToken(file, explicitFile !== undefined), file);
}

function connect(url: string, token: string, tokenSource: string): Connection {
  return { url, token, tokenSource, client: createClient({ baseUrl: url, token }) };
}

function readToken(file: string, named: boolean): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const remedy = named
      ? 'Check the name.'
      : 'Run `neolith start`, which makes it, or name another one: --token-file FILE, or NEOLITH_URL with NEOLITH_TOKEN or NEOLITH_TOKEN_FILE.';
    throw new CommandError(
      'failed',
      isMissing ? 'TOKEN_MISSING' : 'TOKEN_UNREADABLE',
      isMissing
        ? `There is no token file ${file}. ${remedy}`
        : `The token file ${file} can't be read: ${(cause as Error).message}.`,
      { cause },
    );
  }
  if (text === '' || /\s/.test(text)) {
    throw new CommandError(
      'failed',
      'TOKEN_UNREADABLE',
      `The file ${file} does not hold a token: one line is expected.`,
    );
  }
  return text;
}

function checkUrl(text: string, source: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.username !== '') {
    throw new CommandError(
      'usage',
      'URL_INVALID',
      `${source} must be an address such as ${DEFAULT_URL}, not ${JSON.stringify(text)}.`,
    );
  }
  return url.href.replace(/\/+$/, '');
}

function isLoopback(url: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i.test(new URL(url).hostname);
}

function halfSet(message: string): CommandError {
  return new CommandError('usage', 'SETTINGS_INCOMPLETE', message);
}
