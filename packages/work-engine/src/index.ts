export type * from '@neolith/contracts';
export { isNeolithError, NeolithError } from '@neolith/contracts';
export { createWorkEngine, type WorkEngineOptions } from './createWorkEngine.js';
export { closeDefaultEngine, getDefaultEngine } from './defaultEngine.js';
export * from './defaultVerbs.js';
export { endOfLocalDay } from './domain/endOfLocalDay.js';
export * from './domain/graph/index.js';
export { overlaps } from './domain/resources/overlaps.js';
export { canMoveRun, RUN_TRANSITIONS, type RunVerb } from './domain/runTransitions.js';
export {
  compareRank,
  DEFAULT_SCORING,
  type DeadlineBand,
  deadlineBand,
  type Rankable,
  type ScoringSettings,
  scoreTask,
} from './domain/score.js';
export { SWEEP_STEPS, type SweepStep } from './domain/sweepSteps.js';
export { canTransitionToStatus, STATUS_TRANSITIONS, type TransitionVerdict } from './domain/transitions.js';
export type { EventFollower, EventSubscription } from './events/eventFollower.js';
export type { Observation, Observe } from './observation.js';
export type { AnswerOnceOptions, KeptAnswer, KeyedCall, OnceAnswer } from './operations/answerOnce.js';
export type { LogRange } from './operations/readAttemptLog.js';
export { sequenceOf } from './operations/readEvents.js';
export {
  createStateChangeRecord,
  type StateChange,
  type StateChangeRecord,
} from './operations/runs/cascade.js';
export type { StepInput, StepOptions, StepResult } from './operations/runs/executeStep.js';
export type { RunReason } from './operations/runs/moveRun.js';
export type { RunOrchestrator } from './operations/runs/runHandle.js';
export type { TransitionOptions } from './operations/runs/transitionTask.js';
export type * from './workEngine.js';
