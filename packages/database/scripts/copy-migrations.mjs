// Puts schema.prisma and the migrations beside the compiled code: the published package has no repository around it.
import { cpSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const packageRoot = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(packageRoot, '../../prisma');
const target = join(packageRoot, 'dist/prisma');

rmSync(target, { recursive: true, force: true });
cpSync(join(source, 'schema.prisma'), join(target, 'schema.prisma'));
cpSync(join(source, 'migrations'), join(target, 'migrations'), { recursive: true });
