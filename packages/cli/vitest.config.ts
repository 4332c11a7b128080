import { defineConfig, mergeConfig } from 'vitest/config';
import { databaseSetup, sharedConfig } from '../../vitest.shared.js';

export default mergeConfig(
  sharedConfig,
  defineConfig({
    test: { name: 'cli', globalSetup: [databaseSetup, './test/support/buildCommand.ts'] },
  }),
);
