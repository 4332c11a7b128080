// `npm start`: from a fresh clone to a running Neolith, with nothing but Node and npm. Installs, generates and builds
// what is missing or changed, then hands over to `neolith start`. Further arguments go to it.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { build, checkNode, install, root } from './prepare.mjs';

/** What a build is made from; anything else may change without a new one. */
const SOURCES = [
  'packages',
  'apps',
  'prisma',
  'turbo.json',
  'tsconfig.base.json',
  'pnpm-lock.yaml',
  'pnpm-workspace.yaml',
];
const LEFT_OUT = new Set([
  'node_modules',
  'dist',
  '.next',
  '.turbo',
  'test',
  'coverage',
  '.test-build',
  'generated',
]);
const OUTPUTS = [
  'apps/web/.next/BUILD_ID',
  'packages/cli/dist/main.js',
  'packages/work-engine/dist/index.js',
];
const stamp = join(root, 'node_modules', '.neolith-built');

/** Names, sizes and times of all sources: reading them all would take longer than asking turbo. */
function fingerprint() {
  const hash = createHash('sha256');
  const visit = (path) => {
    const found = statSync(path);
    if (!found.isDirectory()) {
      hash.update(`${relative(root, path)}\0${found.size}\0${found.mtimeMs}\n`);
      return;
    }
    for (const name of readdirSync(path).sort()) {
      if (!LEFT_OUT.has(name) && !name.endsWith('.tsbuildinfo') && name !== 'next-env.d.ts')
        visit(join(path, name));
    }
  };
  for (const source of SOURCES) visit(join(root, source));
  return hash.digest('hex');
}

function isBuilt(wanted) {
  if (OUTPUTS.some((output) => !existsSync(join(root, output)))) return false;
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
}

checkNode();
install();
if (!isBuilt(fingerprint())) {
  console.error('Building (a minute or two the first time) …');
  build();
  mkdirSync(dirname(stamp), { recursive: true });
  // Taken afresh: generating may have written among the sources.
  writeFileSync(stamp, fingerprint());
}

// Beside the sources, so that two clones don't share their data; other commands find it from anywhere in here.
process.env.NEOLITH_HOME ||= join(root, '.neolith');
process.argv.splice(2, process.argv.length - 2, 'start', ...process.argv.slice(2));
await import('../packages/cli/bin/neolith.js');
