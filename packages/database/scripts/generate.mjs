// Generates the Prisma client for prisma/schema.prisma into src/generated.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const packageRoot = dirname(dirname(fileURLToPath(import.meta.url)));
const repositoryRoot = dirname(dirname(packageRoot));

const require = createRequire(import.meta.url);
const prismaManifest = require.resolve('prisma/package.json');
const prismaCommand = join(
  dirname(prismaManifest),
  JSON.parse(readFileSync(prismaManifest, 'utf8')).bin.prisma,
);

// A model that was removed from the schema must not live on as a generated file.
rmSync(join(packageRoot, 'src/generated'), { recursive: true, force: true });

const { status, error } = spawnSync(
  process.execPath,
  [prismaCommand, 'generate', '--schema', join(repositoryRoot, 'prisma/schema.prisma'), '--no-hints'],
  {
    // Not the repository root: its prisma.config.ts is for people who run the `prisma` command there.
    cwd: packageRoot,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      // `generate` never runs the schema engine, but Prisma downloads it unless this names an executable
      // that exists; the download fails on machines without access to Prisma's servers.
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
      CHECKPOINT_DISABLE: '1',
    },
  },
);
if (error) throw error;
process.exit(status ?? 1);
