import type {
  attemptPageSchema,
  attemptSchema,
  breakerListSchema,
  breakerSchema,
  daemonSchema,
  deadLetterPageSchema,
  eventPageSchema,
  eventSchema,
  executionStatsSchema,
  logPageSchema,
  orchestratorDetailSchema,
  orchestratorOverviewSchema,
  overviewSchema,
  rankedTaskSchema,
  rankingSchema,
  redriveResultSchema,
  resourceBoardSchema,
  runPageSchema,
  runProgressSchema,
  runSchema,
  runSnapshotSchema,
  selectionExplanationSchema,
  taskDetailSchema,
  taskPageSchema,
  taskReferenceSchema,
  taskSchema,
} from '@neolith/contracts';
import type { z } from 'zod';

// The JSON form of what the API answers: times are ISO text. Pages hand the same form to their client components, so
// that the first paint and every refresh are one type, and neither zod nor the schemas reach the browser.
export type OverviewJson = z.input<typeof overviewSchema>;
export type OrchestratorOverviewJson = z.input<typeof orchestratorOverviewSchema>;
export type OrchestratorDetailJson = z.input<typeof orchestratorDetailSchema>;
export type ExecutionStatsJson = z.input<typeof executionStatsSchema>;
export type RankingJson = z.input<typeof rankingSchema>;
export type RankedTaskJson = z.input<typeof rankedTaskSchema>;
export type ExplanationJson = z.input<typeof selectionExplanationSchema>;
export type AttemptJson = z.input<typeof attemptSchema>;
export type AttemptPageJson = z.input<typeof attemptPageSchema>;
export type DaemonJson = z.input<typeof daemonSchema>;
export type TaskJson = z.input<typeof taskSchema>;
export type TaskPageJson = z.input<typeof taskPageSchema>;
export type TaskDetailJson = z.input<typeof taskDetailSchema>;
export type TaskReferenceJson = z.input<typeof taskReferenceSchema>;
export type EventJson = z.input<typeof eventSchema>;
export type EventPageJson = z.input<typeof eventPageSchema>;
export type RunJson = z.input<typeof runSchema>;
export type RunPageJson = z.input<typeof runPageSchema>;
export type RunProgressJson = z.input<typeof runProgressSchema>;
export type RunSnapshotJson = z.input<typeof runSnapshotSchema>;
export type BreakerJson = z.input<typeof breakerSchema>;
export type BreakerListJson = z.input<typeof breakerListSchema>;
export type DeadLetterPageJson = z.input<typeof deadLetterPageSchema>;
export type DeadLetterJson = DeadLetterPageJson['deadLetters'][number];
export type RedriveResultJson = z.input<typeof redriveResultSchema>;
export type ResourceBoardJson = z.input<typeof resourceBoardSchema>;
export type LogPageJson = z.input<typeof logPageSchema>;
