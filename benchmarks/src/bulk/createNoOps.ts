import type { WorkEngine } from '@neolith/work-engine';

const PRIORITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'] as const;

/** Tasks that do nothing, of all priorities. */
export async function createNoOps(engine: WorkEngine, orchestratorId: string, amount: number): Promise<void> {
  await engine.createTasks(
    Array.from({ length: amount }, (_, index) => ({
      title: 'No-op',
      orchestratorId,
      priority: PRIORITIES[index % 4] ?? 'LOW',
    })),
  );
}
