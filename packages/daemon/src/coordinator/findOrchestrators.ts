import { type NeolithClient, NeolithError, type Orchestrator } from '@neolith/contracts';
import { plainLine } from '../process/plainLine.js';

/** The one that a name or an id means; names as they are written, else without regard to case. */
export function findOrchestrator(known: readonly Orchestrator[], wanted: string): Orchestrator {
  const found =
    known.find((one) => one.id === wanted || one.name === wanted) ??
    known.find((one) => one.name.toLowerCase() === wanted.toLowerCase());
  if (found !== undefined) return found;
  const names = known.map((one) => plainLine(one.name));
  throw new NeolithError(
    'ORCHESTRATOR_NOT_FOUND',
    `There is no orchestrator ${JSON.stringify(wanted)}. ${
      names.length === 0 ? 'There is none at all yet.' : `There are: ${names.slice(0, 20).join(', ')}.`
    }`,
  );
}

export async function listOrchestrators(client: NeolithClient): Promise<Orchestrator[]> {
  return (await client.listOrchestrators()).orchestrators;
}
