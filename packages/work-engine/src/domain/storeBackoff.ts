import type { BackoffSettings } from '@neolith/contracts';

/** Settings as they are stored: what is not said is not there, and nothing said is null. Pure. */
export function storeBackoff(settings: BackoffSettings | null | undefined): BackoffSettings | null {
  const { baseSeconds, factor, capSeconds } = settings ?? {};
  const said = {
    ...(baseSeconds === undefined ? {} : { baseSeconds }),
    ...(factor === undefined ? {} : { factor }),
    ...(capSeconds === undefined ? {} : { capSeconds }),
  };
  return Object.keys(said).length === 0 ? null : said;
}
