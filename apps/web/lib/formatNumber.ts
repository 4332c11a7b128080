/** `12345` → `12,345`; written by hand so that server and browser agree to the character. */
export function formatCount(value: number): string {
  const [whole = '0', fraction] = String(value).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** A rate from 0 to 100: `97 %`; `99.9 %` is never rounded up to 100; a dash where there is none. */
export function formatRate(rate: number | null): string {
  if (rate === null) return '–';
  if (rate > 99 && rate < 100) return `${Math.floor(rate * 10) / 10} %`;
  if (rate > 0 && rate < 1) return '<1 %';
  return `${Math.round(rate)} %`;
}

/** `1 task`, `2 tasks`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
