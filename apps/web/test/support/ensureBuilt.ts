import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const web = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const packages = join(dirname(dirname(web)), 'packages');
const LIBRARIES = ['contracts', 'telemetry', 'database', 'work-engine'];
const PARTS = ['app', 'components', 'lib', 'server', 'instrumentation.ts', 'next.config.ts', 'package.json'];

const run = promisify(execFile);

/** When the newest file beneath was changed, in milliseconds; 0 where there is nothing. */
async function newest(path: string): Promise<number> {
  const entry = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (entry === null) return 0;
  if (!entry.isDirectory()) return entry.mtimeMs;
  const names = (await readdir(path)).filter((name) => name !== 'generated');
  return Math.max(0, ...(await Promise.all(names.map((name) => newest(join(path, name))))));
}

async function isStale(sources: string[], product: string): Promise<boolean> {
  return Math.max(...(await Promise.all(sources.map(newest)))) > (await newest(product));
}

/** vitest's global set-up: what the tests start is what would be shipped, built from the sources as they are now. */
export default async function ensureBuilt(): Promise<void> {
  const built: string[] = [];
  for (const name of LIBRARIES) {
    const directory = join(packages, name);
    const product = join(directory, 'dist/index.js');
    built.push(product);
    if (await isStale([join(directory, 'src')], product)) await build(directory);
  }
  const sources = [...PARTS.map((part) => join(web, part)), ...built];
  if (await isStale(sources, join(web, '.next/BUILD_ID'))) await build(web);
}

async function build(directory: string): Promise<void> {
  const env = { ...process.env, NODE_ENV: 'production' as const, NEXT_TELEMETRY_DISABLED: '1' };
  await run('npm', ['run', 'build'], { cwd: directory, env, maxBuffer: 64 * 1024 * 1024 });
}
