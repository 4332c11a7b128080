export type * from '@neolith/contracts';
export { isNeolithError, NeolithError } from '@neolith/contracts';
export { createWorkEngine, type WorkEngineOptions } from './createWorkEngine.js';
export { closeDefaultEngine, getDefaultEngine } from './defaultEngine.js';
export * from './defaultVerbs.js';
export { endOfLocalDay } from './domain/endOfLocalDay.js';
export * from './domain/graph/index.js';
export {
  compareRank,
  DEFAULT_SCORING,
  type DeadlineBand,
  deadlineBand,
  type Rankable,
  type ScoringSettings,
  scoreTask,
} from './domain/score.js';
export { canTransitionToStatus, STATUS_TRANSITIONS, type TransitionVerdict } from './domain/transitions.js';
export type { EventFollower, EventSubscription } from './events/eventFollower.js';
export { sequenceOf } from './operations/readEvents.js';
export type * from './workEngine.js';
