import type { Benchmark } from '../harness/benchmark.js';
export const graphOrder: Benchmark = {
  name: 'graphOrder',
  title: 'x',
  about: '',
  run: async () => ({ tables: [], verdicts: [] }),
};
