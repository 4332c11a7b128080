import { defineConfig, mergeConfig } from 'vitest/config';
import { databaseSetup, sharedConfig } from '../../vitest.shared.js';

export default mergeConfig(
  sharedConfig,
  defineConfig({
    test: {
      name: 'daemon',
      globalSetup: [
        databaseSetup,
        './test/worker/support/buildForChildren.ts',
        './test/agents/support/fetchRequiredAgents.ts',
      ],
    },
  }),
);
