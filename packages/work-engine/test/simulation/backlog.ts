import { formatId } from '@neolith/contracts';
import type { NewTask, RunSettings } from '../../src/index.js';
import { NAMES } from './globs.js';
import type { Random } from './random.js';
import type { World } from './world.js';

const PRIORITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'] as const;
const HOUR_MS = 3_600_000;
/** From now on: overdue, today, tomorrow, within three days and later. */
const DUE_HOURS = [-3, 0.5, 2, 5, 20, 50, 71, 73, 300];

/** Settings of a run; each that matters is likely. */
export function settingsOf(random: Random): RunSettings {
  return {
    maxConcurrentTasks: 1 + random.int(3),
    maxConcurrentMerges: 1 + random.int(2),
    mergeStage: random.chance(0.45),
    waves: random.chance(0.35) ? 'strict' : 'off',
    waveDelaySeconds: random.chance(0.3) ? 20 : 0,
    maxAgentsPerWave: random.chance(0.25) ? 1 : null,
    failurePolicy: random.pick(['continue', 'stop', 'quarantine', 'quarantine'] as const) ?? 'continue',
    failureThreshold: { consecutive: 2 + random.int(4), rate: 0.5, minAttempts: 5 + random.int(6) },
    onPrerequisiteFailure: random.pick(['block', 'block', 'cancel', 'release'] as const) ?? 'block',
    timeoutSeconds: random.chance(0.15) ? 600 + random.int(3_000) : null,
  };
}

/** Tasks with a random graph: each depends on some of those before it, and sometimes on one outside. */
export function tasksOf(world: World, amount: number, runId: string | null): NewTask[] {
  const { random, facts, now } = world;
  // In some worlds resources are scarce, in others nobody needs any.
  const scarce = facts.orchestrators.length % 3 === 0 ? 0 : 0.4;
  return Array.from({ length: amount }, (_, index) => {
    const dependsOn = new Set<string>();
    for (let edges = random.int(3); edges > 0 && index > 0; edges -= 1)
      dependsOn.add(`k${random.int(index)}`);
    const outside = random.chance(0.12) ? random.pick(facts.tasks) : undefined;
    if (outside !== undefined) dependsOn.add(formatId('task', outside.id));
    const orchestrator = random.chance(0.04) ? undefined : random.pick(facts.orchestrators);
    const hours = random.chance(0.5) ? random.pick(DUE_HOURS) : undefined;
    return {
      key: `k${index}`,
      title: `Task ${index}`,
      runId,
      orchestratorId: orchestrator === undefined ? null : formatId('orchestrator', orchestrator.id),
      priority: random.pick(PRIORITIES) ?? 'LOW',
      dueAt: hours === undefined ? null : new Date(now + hours * HOUR_MS),
      availableAt: random.chance(0.1) ? new Date(now + random.int(600) * 1_000) : null,
      tags: ['api', 'web'].filter(() => random.chance(0.35)),
      resources: random.chance(scarce) ? someResources(random) : [],
      maxAttempts: 1 + random.int(3),
      status: random.chance(0.04) ? 'DONE' : 'TODO',
      dependsOn: [...dependsOn],
    };
  });
}

function someResources(random: Random): string[] {
  const names = new Set(Array.from({ length: 1 + random.int(2) }, () => random.pick(NAMES) as string));
  return [...names].map((name) => `${random.chance(0.35) ? 'shared' : 'exclusive'} ${name}`);
}
