/**
 * Rounds in which every contestant has its turn once, so that whatever the machine does besides falls on all alike.
 * The first round warms caches and plans and doesn't count. Samples by contestant, in order of rounds.
 */
export async function interleave<Contestant, Sample>(
  contestants: readonly Contestant[],
  rounds: number,
  measure: (contestant: Contestant, round: number) => Promise<Sample>,
): Promise<Sample[][]> {
  const samples: Sample[][] = contestants.map(() => []);
  for (let round = 0; round <= rounds; round += 1) {
    for (const [index, contestant] of contestants.entries()) {
      const sample = await measure(contestant, round);
      if (round > 0) samples[index]?.push(sample);
    }
  }
  return samples;
}
