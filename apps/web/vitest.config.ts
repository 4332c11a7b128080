import { fileURLToPath } from 'node:url';
import { defineConfig, mergeConfig } from 'vitest/config';
import { databaseSetup, sharedConfig, testWorkers } from '../../vitest.shared.js';

export default mergeConfig(
  sharedConfig,
  defineConfig({
    resolve: { alias: { '@': fileURLToPath(new URL('.', import.meta.url)).replace(/\/$/, '') } },
    test: {
      name: 'web',
      globalSetup: [databaseSetup, fileURLToPath(new URL('test/support/ensureBuilt.ts', import.meta.url))],
      // A file has a server process of its own, and the smallest machine two cores.
      maxWorkers: testWorkers(2),
      sequence: { groupOrder: 1 },
      // Of what tests call in their own process; the servers they start log as ever.
      env: { NEOLITH_LOG_LEVEL: 'silent' },
    },
  }),
);
