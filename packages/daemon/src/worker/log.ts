import pino from 'pino';
import { createRedactor } from '../process/redactSecrets.js';
import { sanitiseText } from '../process/sanitiseText.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Takes what happened in a few words, with ids in the fields. */
export interface WorkerLog {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export interface LogOptions {
  /** Takes whole lines, with their line break. */
  readonly write: (line: string) => void;
  /** `json`: one object a line; `pretty`: for people. */
  readonly form: 'json' | 'pretty';
  /** Only for `pretty`. Default false. */
  readonly colour?: boolean;
  /** What is below it is left out. Default `info`. */
  readonly level?: LogLevel;
  /** Never written, in whatever form. */
  readonly secrets?: readonly string[];
  readonly now?: () => Date;
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
const COLOURS: Readonly<Record<LogLevel, string>> = { debug: '90', info: '36', warn: '33', error: '31' };

/** A log of one line each. Text of others in it is cleaned of control characters and of secrets. */
export function createLog(options: LogOptions): WorkerLog {
  const redactor = createRedactor(options.secrets ?? []);
  const clean = (text: string): string => redactor.redact(sanitiseText(text));
  const lowest = LEVELS.indexOf(options.level ?? 'info');
  const now = options.now ?? (() => new Date());
  const json = pino(
    {
      // As servers write theirs: one question finds both.
      name: 'neolith-daemon',
      messageKey: 'message',
      formatters: { level: (label) => ({ level: label }) },
      level: options.level ?? 'info',
      timestamp: () => `,"time":"${now().toISOString()}"`,
    },
    { write: options.write },
  );

  function write(level: LogLevel, message: string, fields: LogFields): void {
    if (LEVELS.indexOf(level) < lowest) return;
    const known = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, typeof value === 'string' ? clean(value) : value] as const);
    if (options.form === 'json') {
      json[level](Object.fromEntries(known), clean(message));
      return;
    }
    const mark =
      options.colour === true ? `\u001b[${COLOURS[level]}m${level.padEnd(5)}\u001b[0m` : level.padEnd(5);
    const rest = known.map(([key, value]) => ` ${key}=${quote(value)}`).join('');
    const line = `${now().toISOString().slice(11, 19)} ${mark} ${clean(message)}${rest}`;
    // One event, one line: whoever greps finds it whole.
    options.write(`${line.replace(/\s*\n\s*/g, ' ⏎ ')}\n`);
  }

  return {
    debug: (message, fields = {}) => write('debug', message, fields),
    info: (message, fields = {}) => write('info', message, fields),
    warn: (message, fields = {}) => write('warn', message, fields),
    error: (message, fields = {}) => write('error', message, fields),
  };
}

function quote(value: string | number | boolean | null | undefined): string {
  return typeof value === 'string' && /[\s"=]/.test(value) ? JSON.stringify(value) : String(value);
}
