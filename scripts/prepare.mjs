// Brings a checkout to where its commands can run, with nothing but Node and npm: checks Node, installs with pnpm,
// generates and builds. What is up to date is left alone.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const PNPM = 'pnpm@12.21.0';
const OLDEST_NODE = [20, 19];

/** How commands are run here: in the repository's root, without reports to anybody. */
export const run = {
  environment: {
    ...process.env,
    // Turbo looks for pnpm on the PATH; a machine with only npm has the one that was installed here.
    PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH}`,
    NEXT_TELEMETRY_DISABLED: '1',
    TURBO_TELEMETRY_DISABLED: '1',
    DO_NOT_TRACK: '1',
    // `prisma generate` needs no schema engine and would download one; any executable satisfies it.
    PRISMA_SCHEMA_ENGINE_BINARY: process.env.PRISMA_SCHEMA_ENGINE_BINARY ?? process.execPath,
  },
};

function command(label, file, args) {
  const { status, error } = spawnSync(file, args, { cwd: root, stdio: 'inherit', env: run.environment });
  if (status === 0) return;
  console.error(
    `\n${label} failed${error === undefined ? '' : `: ${error.message}`}. The lines above say why.`,
  );
  process.exit(status || 1);
}

export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  console.error(`Neolith needs Node ${OLDEST_NODE.join('.')} or newer; this is ${process.version}.`);
  process.exit(1);
}

/** Installs when the lockfile is not the one that was installed last. */
export function install() {
  const stamp = join(root, 'node_modules', '.neolith-installed');
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'pnpm-lock.yaml')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  command('Installing the dependencies', 'npx', ['--yes', PNPM, 'install', '--frozen-lockfile']);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}

/** Generates and builds; turbo leaves alone what has not changed. */
export function build() {
  command('Building', process.execPath, [
    'node_modules/turbo/bin/turbo',
    'run',
    'build',
    '--output-logs=errors-only',
    '--log-order=grouped',
  ]);
}

export function prepare(options) {
  checkNode();
  install();
  if (options.build) build();
}
