export { decideTracing, type TracingDecision } from './decideTracing.js';
export { type OpenTracing, openTracing, type TracingOptions } from './openTracing.js';
