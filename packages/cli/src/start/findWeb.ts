import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommandError } from '../output/commandError.js';

export interface WebProgram {
  readonly directory: string;
  /** The file that Node runs. */
  readonly script: string;
}

/** The web server beside this package, in its production build. */
export function findWeb(): WebProgram {
  const directory = join(
    dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url))))),
    '..',
    'apps',
    'web',
  );
  if (!existsSync(join(directory, 'package.json'))) {
    throw new CommandError(
      'failed',
      'WEB_MISSING',
      `The web server is not at ${directory}. \`neolith start\` works from a checkout of the repository; elsewhere run \`neolith daemon\` against a server.`,
    );
  }
  if (!existsSync(join(directory, '.next', 'BUILD_ID'))) {
    throw new CommandError(
      'failed',
      'BUILD_MISSING',
      'The web server is not built. Run `npm start` in the repository, which builds it, or `npm run build`.',
    );
  }
  const require = createRequire(join(directory, 'package.json'));
  return { directory, script: join(dirname(require.resolve('next/package.json')), 'dist', 'bin', 'next') };
}
