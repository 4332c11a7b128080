import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { ViteUserConfig } from 'vitest/config';

/**
 * The condition under which our packages' exports lead to their sources: tests need no build. Not `module`, which Vite
 * adds by default: it is for bundlers, and what some packages (@opentelemetry/api) have there Node can't load.
 */
const conditions = ['@neolith/source', 'node', 'development|production'];

/** How many test files run at once: `NEOLITH_TEST_WORKERS`, or what is wanted. */
export function testWorkers(wanted: number): number {
  return Number(process.env.NEOLITH_TEST_WORKERS ?? wanted);
}

/** What the tests of every package share; give it to `mergeConfig`, or spread it. */
export const sharedConfig: ViteUserConfig = {
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    environment: 'node',
    include: ['test/**/*.test.ts'],
    setupFiles: [fileURLToPath(new URL('./vitest.properties.ts', import.meta.url))],
    // Real processes and real databases on small machines, slow ones too; a test that hangs is still ended.
    testTimeout: 180_000,
    hookTimeout: 120_000,
    // Much of a test's time is waiting for processes: one worker would leave a core of the smallest machine idle.
    maxWorkers: testWorkers(Math.max(2, availableParallelism() - 1)),
    // Our packages lie in node_modules as links, and what is external there would be loaded from dist.
    server: { deps: { inline: [/@neolith\//, /\/packages\/[^/]+\/src\//] } },
  },
};

/** For `globalSetup`: a PostgreSQL for each worker; `createTestDatabase` clones its template. */
export const databaseSetup = fileURLToPath(
  // A path: vitest takes a bare name for a file of the project.
  new URL('./packages/database/src/testing/globalSetup.ts', import.meta.url),
);
