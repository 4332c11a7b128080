import { type AttemptStatus, breakerMetricsOf, type FailureClass } from '@neolith/contracts';

/**
 * What the end of an attempt says about its agent and provider. Pure. An attempt that failed at its task is `good`: the
 * agent was there and worked. `gone` says nothing either way: cancelled, given back, lost, its ground gave way, or its work
 * was there already and nothing was run.
 */
export function judgeProbe(attempt: {
  readonly status: AttemptStatus;
  readonly failure_class: FailureClass | null;
  readonly metrics: unknown;
}): 'good' | 'fault' | 'gone' {
  switch (attempt.status) {
    case 'SUCCEEDED':
    case 'BLOCKED':
      return breakerMetricsOf(attempt.metrics).idle ? 'gone' : 'good';
    case 'FAILED':
    case 'TIMED_OUT':
      switch (attempt.failure_class) {
        case 'agent':
        case 'provider':
          return 'fault';
        case 'infrastructure':
          return 'gone';
        default:
          return 'good';
      }
    default:
      return 'gone';
  }
}
