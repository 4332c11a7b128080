export { type Adjacency, neighboursOf } from './adjacency.js';
export type { EdgePairs } from './assembleGraph.js';
export { assignWaves, type Waves } from './assignWaves.js';
export { buildGraph, type TaskNode } from './buildGraph.js';
export { buildGraphFromPairs } from './buildGraphFromPairs.js';
export {
  type DiagnosisOptions,
  diagnoseGraph,
  type Findings,
  type GraphDiagnosis,
  type GraphPart,
  type StuckTask,
} from './diagnoseGraph.js';
export { type CriticalPath, findCriticalPath } from './findCriticalPath.js';
export { findCycle } from './findCycle.js';
export { findFreed, findReady } from './findReady.js';
export { findRedundantEdges, type ReductionLimits, type RedundantEdges } from './findRedundantEdges.js';
export { findStuck, type StuckNodes, type StuckReason } from './findStuck.js';
export { findTransitiveDependents, findTransitivePrerequisites } from './findTransitive.js';
export { sortTopologically, type TopologicalSort } from './sortTopologically.js';
export { type BuiltGraph, type Edge, idsOf, type TaskGraph } from './taskGraph.js';
export { findWeakComponents, type WeakComponents } from './weakComponents.js';
