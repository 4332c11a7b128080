import { drawInAscii, drawsUnicode } from './ascii.js';

export { plainLine } from './steadyText.js';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

const CODES: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
};

const COLUMNS_WITHOUT_TERMINAL = 120;

/** How output is written: colour only on a terminal and not against `NO_COLOR`. */
export interface Terminal {
  readonly isTerminal: boolean;
  readonly colour: boolean;
  style(style: Style, text: string): string;
  /** How wide what is printed may be: of the terminal, or 120 where there is none. */
  columns(): number;
  /** Our signs as this terminal can draw them. */
  draw(text: string): string;
  /** A line for whoever reads the result. */
  out(line?: string): void;
  /** The same of text that is handed on as it is. */
  verbatim(text: string): void;
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
  const draw = drawsUnicode(env) ? (text: string) => text : drawInAscii;
  return {
    isTerminal,
    colour,
    // Some pseudo-terminals have a size of nothing.
    columns: () => (isTerminal ? streams.stdout.columns || 80 : COLUMNS_WITHOUT_TERMINAL),
    draw,
    style(style, text) {
      const [open, close] = CODES[style];
      return colour ? `\u001b[${open}m${text}\u001b[${close}m` : text;
    },
    out: (line = '') => void streams.stdout.write(`${draw(line)}\n`),
    verbatim: (text) => void streams.stdout.write(`${text}\n`),
    note: (line = '') => void streams.stderr.write(`${draw(line)}\n`),
    jsonLine: (value) => void streams.stdout.write(`${JSON.stringify(value)}\n`),
    json: (value) => void streams.stdout.write(`${JSON.stringify(value, null, 2)}\n`),
  };
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0';
}
