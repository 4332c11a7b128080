import { type NeolithClient, NeolithError, type Run } from '@neolith/contracts';
import { CommandError } from '../output/commandError.js';
import { plainLine } from '../output/terminal.js';

/** Shorter ones are likelier to be a slip than an id. */
const PREFIX_CHARS_MIN = 4;
const FULL_ID = /^run_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The run that somebody means: by its id, its name, a beginning of its id that no other run has (with or without
 * `run_`), or its name in other letter cases; in this order.
 * @throws NeolithError `RUN_NOT_FOUND`; CommandError `RUN_AMBIGUOUS` naming those it could be
 */
export async function findRun(client: NeolithClient, wanted: string): Promise<Run> {
  if (FULL_ID.test(wanted)) return client.getRun({ params: { id: wanted } });
  const runs = await listAllRuns(client);
  const found = matchRun(runs, wanted);
  if (found.length === 1 && found[0] !== undefined) return found[0];
  if (found.length > 1) {
    const names = found
      .slice(0, 10)
      .map((run) => `${run.id} (${plainLine(run.name)}, ${run.status.toLowerCase()})`);
    throw new CommandError(
      'conflict',
      'RUN_AMBIGUOUS',
      `${JSON.stringify(wanted)} means ${found.length} runs. Give more of the id: ${names.join(', ')}.`,
    );
  }
  throw new NeolithError(
    'RUN_NOT_FOUND',
    `There is no run ${JSON.stringify(wanted)}. ${
      runs.length === 0
        ? 'There is none at all yet: import a plan.'
        : `\`neolith runs\` lists all ${runs.length}.`
    }`,
  );
}

/** Those that `wanted` may mean. Pure. */
export function matchRun<T extends { readonly id: string; readonly name: string }>(
  runs: readonly T[],
  wanted: string,
): T[] {
  const exact = runs.filter(({ id }) => id === wanted);
  if (exact.length > 0) return exact;
  const named = runs.filter(({ name }) => name === wanted);
  if (named.length > 0) return named;
  const prefix = wanted.toLowerCase().replace(/^run_/, '');
  const begun =
    prefix.length < PREFIX_CHARS_MIN ? [] : runs.filter(({ id }) => id.slice(4).startsWith(prefix));
  if (begun.length > 0) return begun;
  return runs.filter(({ name }) => name.toLowerCase() === wanted.toLowerCase());
}

/** For each id the shortest beginning that says which one is meant, of at least 8 characters after `run_`. Pure. */
export function abbreviateIds(ids: readonly string[]): Map<string, string> {
  const sorted = [...ids].sort();
  const shared = (a: string, b: string | undefined): number => {
    let length = 0;
    while (b !== undefined && length < a.length && a[length] === b[length]) length += 1;
    return length;
  };
  return new Map(
    sorted.map((id, index) => {
      const needed = Math.max(shared(id, sorted[index - 1]), shared(id, sorted[index + 1])) + 1;
      return [id, id.slice(0, Math.max(needed, 'run_'.length + 8))];
    }),
  );
}

/** Newest first. */
export async function listAllRuns(client: NeolithClient, status?: Run['status']): Promise<Run[]> {
  const runs: Run[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<NeolithClient['listRuns']>> = await client.listRuns({
      query: {
        limit: 500,
        ...(status === undefined ? {} : { status }),
        ...(cursor === null ? {} : { cursor }),
      },
    });
    runs.push(...page.runs);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return runs;
}
