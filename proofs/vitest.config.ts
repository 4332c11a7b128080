import { defineConfig, mergeConfig } from 'vitest/config';
import { databaseSetup, sharedConfig } from '../vitest.shared.js';

export default mergeConfig(
  sharedConfig,
  defineConfig({
    test: { name: 'proofs', globalSetup: [databaseSetup], maxWorkers: 1, sequence: { groupOrder: 2 } },
  }),
);
