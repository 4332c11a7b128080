import { fileURLToPath } from 'node:url';
import { defineConfig, mergeConfig } from 'vitest/config';
import { sharedConfig } from '../../vitest.shared.js';

export default mergeConfig(
  sharedConfig,
  defineConfig({
    test: {
      name: 'database',
      globalSetup: [fileURLToPath(new URL('./src/testing/global-setup.ts', import.meta.url))],
    },
  }),
);
