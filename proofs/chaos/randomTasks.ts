import { type Random, whole } from './seededRandom.js';

const PRIORITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'] as const;

/** A random graph without circles: a task depends on up to three of the `reach` made before it. */
export function randomTasks(
  random: Random,
  amount: number,
  orchestratorIds: readonly string[],
  reach: number,
) {
  return Array.from({ length: amount }, (_, index) => ({
    key: `t${index}`,
    title: `Task ${index}`,
    priority: PRIORITIES[whole(random, 0, 3)] ?? 'LOW',
    orchestratorId: orchestratorIds[whole(random, 0, orchestratorIds.length - 1)] ?? null,
    dependsOn: [
      ...new Set(
        Array.from(
          { length: index === 0 ? 0 : whole(random, 0, 3) },
          () => `t${whole(random, Math.max(0, index - reach), index - 1)}`,
        ),
      ),
    ],
  }));
}
