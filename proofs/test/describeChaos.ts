import type { ChaosReport } from './runChaos.js';

/** What happened, with the seed that makes the same faults happen again. */
export function describeChaos(report: ChaosReport): string {
  const injected = Object.entries(report.injected).map(([fault, times]) => {
    const slowest = report.slowestRecoveryMs[fault as keyof ChaosReport['injected']] ?? 0;
    return `${fault} ${times}× (answers again after at most ${slowest} ms)`;
  });
  return (
    `seed ${report.seed}: ${report.done} tasks in ${report.seconds.toFixed(1)} s, ${report.claims} claims, ` +
    `${report.lost} leases lost, ${report.agentsEnded} agents ended, at most ${report.mostAtOnce} at once of one orchestrator\n  ${injected.join('\n  ')}`
  );
}
