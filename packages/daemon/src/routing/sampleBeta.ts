/**
 * A number drawn from the Beta distribution with these two shapes, both positive: the share that one Gamma variate has of
 * two. Deterministic in what `random` gives, which is in [0, 1).
 */
export function sampleBeta(alpha: number, beta: number, random: () => number): number {
  const one = sampleGamma(alpha, random);
  const other = sampleGamma(beta, random);
  // Shapes near zero may give two zeros.
  return one + other === 0 ? 0.5 : one / (one + other);
}

/**
 * A Gamma variate of scale 1: Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000);
 * shapes below 1 are drawn one higher and brought down, as they say there.
 */
function sampleGamma(shape: number, random: () => number): number {
  if (shape < 1) return sampleGamma(shape + 1, random) * (1 - random()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const normal = sampleNormal(random);
    const v = (1 + c * normal) ** 3;
    if (v <= 0) continue;
    if (Math.log(1 - random()) < 0.5 * normal * normal + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** Box and Muller. */
function sampleNormal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
