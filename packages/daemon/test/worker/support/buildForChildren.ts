import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../../../../../', import.meta.url));

/** Processes that tests start run with plain node, which takes what is built. */
export function buildPackages(names: readonly string[]): void {
  for (const name of names) {
    const folder = join(repository, 'packages', name);
    if (newest(join(folder, 'src')) <= newest(join(folder, 'dist'))) continue;
    const args = ['node_modules/typescript/bin/tsc', '-p', join(folder, 'tsconfig.build.json')];
    execFileSync(process.execPath, args, { cwd: repository, stdio: 'inherit' });
  }
}

export default function buildForChildren(): void {
  buildPackages(['contracts', 'daemon']);
}

/** Milliseconds of the last change of a file below; 0 where there is none. */
function newest(folder: string): number {
  if (!existsSync(folder)) return 0;
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Math.max(0, ...files.map((file) => statSync(join(file.parentPath, file.name)).mtimeMs));
}
