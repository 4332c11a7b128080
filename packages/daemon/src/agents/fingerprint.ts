import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

/** All by which two agents of one name may bring different results. */
export interface FingerprintParts {
  readonly configuration: object;
  /** Variables that it gets because they were chosen for it; not those of every process. Default none. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Names of variables of which it counts that they are set: keys are renewed, and let in the same. Default none. */
  readonly credentials?: readonly string[];
  /** Absolute paths of what is run. What is no readable file counts as absent. Default none. */
  readonly files?: readonly string[];
}

/** A digest of it, for the keys of results: configurations may hold what nobody should read there. */
export async function fingerprintOf(parts: FingerprintParts): Promise<string> {
  const { configuration, variables = {}, credentials = [], files = [] } = parts;
  const contents: (string | null)[] = [];
  for (const file of files) contents.push(await digestFile(file));
  return createHash('sha256')
    .update(JSON.stringify([configuration, sortByName(variables), [...credentials].sort(), contents]))
    .digest('hex')
    .slice(0, 32);
}

function sortByName(variables: Readonly<Record<string, string>>): [name: string, value: string][] {
  return Object.entries(variables).sort(([a], [b]) => (a < b ? -1 : 1));
}

async function digestFile(file: string): Promise<string | null> {
  try {
    // A pipe would be waited for.
    if (!(await stat(file)).isFile()) return null;
    const hash = createHash('sha256');
    for await (const piece of createReadStream(file)) hash.update(piece as Buffer);
    return hash.digest('hex');
  } catch {
    // An agent whose file can't be read doesn't start either, and says why.
    return null;
  }
}
