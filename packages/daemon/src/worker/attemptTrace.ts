import type { ClaimWithContext } from '@neolith/contracts';
import {
  type Attributes,
  context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';

/** What one attempt does, as a trace that begins with its claim on the server. Without a tracer it costs next to nothing. */
export interface AttemptTrace {
  /** Of all that belongs together, on both machines; null: nobody traces. For logs. */
  readonly traceId: string | null;
  /** To be sent with each call, so that what the server does for it is part of the trace; undefined: nobody traces. */
  traceparent(): string | undefined;
  /** Does a part of the work as a span of its own. Parts come one after another; calls made in it belong to it. */
  step<Result>(name: AttemptStep, attributes: Attributes, work: () => Promise<Result>): Promise<Result>;
  end(result: string, error: string | null): void;
}

export type AttemptStep = 'agent' | 'commit' | 'merge' | 'settle';

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** Null: absent, of another version, or not one. Pure. */
export function parseTraceparent(text: string | undefined): SpanContext | null {
  const found = TRACEPARENT.exec(text ?? '');
  if (found === null) return null;
  const [, traceId = '', spanId = '', flags = ''] = found;
  const parsed = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
  return isSpanContextValid(parsed) ? parsed : null;
}

/** Undefined: there is nothing to be handed on. Pure. */
export function formatTraceparent(span: SpanContext): string | undefined {
  if (!isSpanContextValid(span)) return undefined;
  return `00-${span.traceId}-${span.spanId}-${(span.traceFlags & 1) === 1 ? '01' : '00'}`;
}

/**
 * Begins where the claim says. Where this process has no tracer, what the claim brought is handed on as it is: the calls of
 * the attempt are in its trace all the same.
 */
export function startAttemptTrace(claim: ClaimWithContext): AttemptTrace {
  const tracer = trace.getTracer('@neolith/daemon');
  const remote = parseTraceparent(claim.traceparent);
  const parent = remote === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, remote);
  const whole = tracer.startSpan(
    'attempt',
    {
      attributes: {
        'neolith.task.id': claim.task.id,
        'neolith.attempt.id': claim.attempt.id,
        'neolith.attempt.number': claim.attempt.number,
        ...(claim.task.runId === null ? {} : { 'neolith.run.id': claim.task.runId }),
      },
    },
    parent,
  );
  const within = trace.setSpan(parent, whole);
  let current: Span = whole;

  return {
    traceId: isSpanContextValid(whole.spanContext()) ? whole.spanContext().traceId : null,
    traceparent: () => formatTraceparent(current.spanContext()),
    async step(name, attributes, work) {
      const span = tracer.startSpan(name, { attributes }, within);
      const outer = current;
      current = span;
      try {
        return await context.with(trace.setSpan(within, span), work);
      } catch (error) {
        fail(span, error instanceof Error ? error.name : 'Error');
        throw error;
      } finally {
        current = outer;
        span.end();
      }
    },
    end(result, error) {
      whole.setAttribute('neolith.attempt.result', result);
      // Not the text: what an agent says is its log's, and may be anything.
      if (error !== null) fail(whole, result);
      whole.end();
    },
  };
}

function fail(span: Span, message: string): void {
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}
