import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: ['{packages,apps}/*/vitest.config.ts', 'examples/vitest.config.ts', 'proofs/vitest.config.ts'],
    coverage: {
      provider: 'v8',
      reporter: ['text-summary', 'json-summary'],
      include: ['packages/{contracts,work-engine,daemon}/src/**/*.ts'],
      thresholds: {
        'packages/contracts/src/**': { lines: 90 },
        'packages/work-engine/src/**': { lines: 90 },
        'packages/daemon/src/**': { lines: 90 },
      },
    },
  },
});
