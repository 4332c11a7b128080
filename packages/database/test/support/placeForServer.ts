import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Layout, layoutOf } from '../../src/embedded/layout.js';
import { stopServer } from '../../src/embedded/stopServer.js';

/** A directory for one embedded server, which is ended and removed with the test. */
export async function placeForServer(): Promise<Layout> {
  const parent = await mkdtemp(join(tmpdir(), 'neolith-embedded-'));
  // As root, the service user must get through.
  await chmod(parent, 0o755);
  const layout = layoutOf(join(parent, 'postgres'));
  onTestFinished(async () => {
    await endServer(layout);
    await rm(parent, { recursive: true, force: true });
  });
  return layout;
}

/** Stops whatever server runs on a place. */
export async function endServer(layout: Layout): Promise<void> {
  if (!existsSync(layout.passwordFile)) return;
  await stopServer(layout, (await readFile(layout.passwordFile, 'utf8')).trim());
}
