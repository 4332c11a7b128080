export type { EventFollower, EventSubscription } from './events/eventFollower.js';
export type * from './workEngine.js';
