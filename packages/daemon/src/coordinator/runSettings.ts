import type { PlanRun, RunSettings } from '@neolith/contracts';

/** How the run of a plan goes about it, as given on the command line. */
export interface RunSettingFlags {
  readonly maxTasks?: number;
  readonly maxMerges?: number;
  readonly waves?: 'strict' | 'off';
  /** Seconds. */
  readonly waveDelay?: number;
  readonly agentsPerWave?: number;
  readonly mergeStage?: boolean;
  readonly failurePolicy?: 'continue' | 'stop' | 'quarantine';
  readonly onPrerequisiteFailure?: 'block' | 'cancel' | 'release';
  /** Of the run, seconds. */
  readonly runTimeout?: number;
}

/** What the plan says, and over it what the command line says; what neither says is left to the server. Pure. */
export function settingsOf(plan: PlanRun | null, flags: RunSettingFlags): RunSettings {
  const given: RunSettings = {
    maxConcurrentTasks: flags.maxTasks,
    maxConcurrentMerges: flags.maxMerges,
    waves: flags.waves,
    waveDelaySeconds: flags.waveDelay,
    maxAgentsPerWave: flags.agentsPerWave,
    mergeStage: flags.mergeStage,
    failurePolicy: flags.failurePolicy,
    onPrerequisiteFailure: flags.onPrerequisiteFailure,
    timeoutSeconds: flags.runTimeout,
  };
  const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { ...plan, ...said };
}
