import { defineConfig, mergeConfig } from 'vitest/config';
import { databaseSetup, sharedConfig } from './vitest.shared.js';

/** The long proofs: `npm run proofs`. */
export default mergeConfig(
  sharedConfig,
  defineConfig({
    test: {
      name: 'long proofs',
      globalSetup: [databaseSetup],
      include: ['proofs/long/**/*.proof.ts', 'packages/*/test/**/*.proof.ts', 'apps/web/test/**/*.proof.ts'],
      fileParallelism: false,
      testTimeout: 1_800_000,
    },
  }),
);
