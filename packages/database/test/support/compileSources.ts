import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const packageRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Where the sources of this run lie compiled, for the processes that tests start with plain node. */
export const compiledSources = join(packageRoot, '.test-build');

export default function compileSources(): void {
  rmSync(compiledSources, { recursive: true, force: true });
  const compiler = join(
    dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
    'bin/tsc',
  );
  execFileSync(
    process.execPath,
    [
      compiler,
      '-p',
      join(packageRoot, 'tsconfig.build.json'),
      '--outDir',
      compiledSources,
      '--declaration',
      'false',
    ],
    { stdio: 'inherit' },
  );
}
