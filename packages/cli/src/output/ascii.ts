/** What we draw with, by what stands for it where a terminal has ASCII only: one character each, so that columns stay. */
const INSTEAD: Readonly<Record<string, string>> = {
  '✓': '+',
  '✗': 'x',
  '⊘': '-',
  '⇢': '>',
  '▸': '>',
  '·': '.',
  '█': '#',
  '░': '-',
  '…': '~',
  '–': '-',
  '─': '-',
  '→': '>',
  '│': '|',
  '×': 'x',
  '’': "'",
};
const DRAWN = new RegExp(`[${Object.keys(INSTEAD).join('')}]`, 'gu');

/** Our own signs in ASCII; what others wrote stays as it is. Pure. */
export function drawInAscii(text: string): string {
  return text.replace(DRAWN, (sign) => INSTEAD[sign] ?? sign);
}

/**
 * Whether more than ASCII can be drawn: the locale says so, or says nothing; the console of Linux has few signs. Pure.
 */
export function drawsUnicode(env: Readonly<Record<string, string | undefined>>): boolean {
  if (env.TERM === 'linux') return false;
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return locale === '' || /utf-?8/i.test(locale);
}
