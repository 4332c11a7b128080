/** All the paths that there are in the simulated repository; what two globs have in common is found by looking at each. */
const PATHS = ['src/a.ts', 'src/b.ts', 'src/lib/a.ts', 'docs/a.md', 'docs/b.md', 'package.json'];

/** What tasks and attempts ask for. */
export const NAMES = [
  'port:3000',
  'db-schema',
  'path:src/**',
  'path:src/a.ts',
  'path:src/lib/*',
  'path:**/a.*',
  'path:docs/*.md',
  'path:package.json',
];

function matches(glob: string, path: string): boolean {
  const pattern = glob
    .split(/(\*\*\/|\*\*|\*)/)
    .map((part) =>
      part === '**/'
        ? '(?:[^/]+/)*'
        : part === '**'
          ? '.*'
          : part === '*'
            ? '[^/]*'
            : part.replace(/[.+^$()|[\]\\{}?]/g, '\\$&'),
    )
    .join('');
  return new RegExp(`^${pattern}$`).test(path);
}

const known = new Map<string, boolean>();

/** Whether two uses, `exclusive NAME` or `shared NAME`, can't be at once. */
export function usesConflict(one: string, other: string): boolean {
  const [modeOne, nameOne] = one.split(' ') as [string, string];
  const [modeOther, nameOther] = other.split(' ') as [string, string];
  if (modeOne === 'shared' && modeOther === 'shared') return false;
  if (nameOne === nameOther) return true;
  if (!nameOne.startsWith('path:') || !nameOther.startsWith('path:')) return false;
  const key = `${nameOne} ${nameOther}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  const meet = PATHS.some(
    (path) => matches(nameOne.slice('path:'.length), path) && matches(nameOther.slice('path:'.length), path),
  );
  known.set(key, meet);
  return meet;
}

export function anyConflict(some: readonly string[], others: readonly string[]): boolean {
  return some.some((one) => others.some((other) => usesConflict(one, other)));
}
