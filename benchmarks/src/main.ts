import { throughput } from './throughput.js';

const benchmarks: Record<string, () => Promise<void>> = {
  throughput: () =>
    throughput({ inFlight: Number(process.env.IN_FLIGHT ?? 32), rounds: Number(process.env.ROUNDS ?? 5) }),
};

const [name] = process.argv.slice(2);
const chosen = name === undefined ? Object.keys(benchmarks) : [name];
for (const each of chosen) {
  const benchmark = benchmarks[each];
  if (benchmark === undefined) {
    console.error(`There is no benchmark "${each}"; there are: ${Object.keys(benchmarks).join(', ')}`);
    process.exit(2);
  }
  await benchmark();
}
