import { parsePlanDue } from '@neolith/contracts';

const offsetPattern = /(?:Z|[+-]\d\d:\d\d)$/i;

export interface ParsedInstant {
  readonly instant: Date;
  /** As written, `Z` for UTC. */
  readonly offset: string;
}

/** Reads an RFC 3339 time with its offset, year 1970 to 9999; null for anything else. */
export function parseInstant(text: string): ParsedInstant | null {
  const offset = offsetPattern.exec(text)?.[0].toUpperCase();
  const instant = offset === undefined ? null : parsePlanDue(text);
  return instant === null || offset === undefined ? null : { instant, offset };
}
