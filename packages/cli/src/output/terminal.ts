export { plainLine } from '@neolith/daemon';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

const CODES: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
};

/** How output is written: colour only on a terminal and not against `NO_COLOR`. */
export interface Terminal {
  readonly isTerminal: boolean;
  readonly colour: boolean;
  style(style: Style, text: string): string;
  /** A line for whoever reads the result. */
  out(line?: string): void;
  /** A line for whoever watches: warnings, progress. */
  note(line?: string): void;
  /** The result for programs: one JSON document. */
  json(value: unknown): void;
  /** One of many results for programs: a JSON document of one line. */
  jsonLine(value: unknown): void;
}

export function openTerminal(
  env: NodeJS.ProcessEnv = process.env,
  streams: Pick<NodeJS.Process, 'stdout' | 'stderr'> = process,
): Terminal {
  const isTerminal = streams.stdout.isTTY === true;
  const colour = (isTerminal || isSet(env.FORCE_COLOR)) && !isSet(env.NO_COLOR) && env.TERM !== 'dumb';
  return {
    isTerminal,
    colour,
    style(style, text) {
      const [open, close] = CODES[style];
      return colour ? `\u001b[${open}m${text}\u001b[${close}m` : text;
    },
    out: (line = '') => void streams.stdout.write(`${line}\n`),
    note: (line = '') => void streams.stderr.write(`${line}\n`),
    jsonLine: (value) => void streams.stdout.write(`${JSON.stringify(value)}\n`),
    json: (value) => void streams.stdout.write(`${JSON.stringify(value, null, 2)}\n`),
  };
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0';
}
