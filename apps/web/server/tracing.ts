import type { OpenTracing } from '@neolith/telemetry';
import {
  type Context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { log } from './log';
import { VERSION } from './version';

/** On globalThis: instrumentation opens it, and the routes' bundle uses it. Not OpenTelemetry's global: Next would trace itself. */
const KEY = Symbol.for('neolith.web.tracing');
const holder = globalThis as { [KEY]?: { readonly tracing: OpenTracing; readonly tracer: Tracer } };

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** Opens tracing where the OTEL_* variables ask for it. Without them nothing of it is even loaded. */
export async function startTracing(env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const { decideTracing, openTracing } = await import(/* turbopackIgnore: true */ '@neolith/telemetry');
  const decided = decideTracing(env);
  if (!decided.wanted) {
    if (decided.problem !== null) log.warn({ reason: decided.problem }, 'No traces are sent');
    return;
  }
  const tracing = await openTracing({ serviceName: 'neolith-web', serviceVersion: VERSION });
  holder[KEY] = { tracing, tracer: tracing.provider.getTracer('@neolith/web', VERSION) };
  log.info('Traces are sent');
}

/** Sends what is left; for the end of the process. */
export async function stopTracing(): Promise<void> {
  await holder[KEY]?.tracing.close();
}

/** Where a call's traceparent says that its trace is; null: it has none, or nobody traces here. */
function parentOf(headers: Pick<Headers, 'get'>): Context | null {
  const found = TRACEPARENT.exec(headers.get('traceparent') ?? '');
  if (found === null) return null;
  const [, traceId = '', spanId = '', flags = ''] = found;
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
  return isSpanContextValid(context) ? trace.setSpanContext(ROOT_CONTEXT, context) : null;
}

/** A span of a call that says which trace it belongs to; null for all others: polls and pages would be nothing but noise. */
export function beginCall(name: string, method: string, headers: Pick<Headers, 'get'>): Span | null {
  const kept = holder[KEY];
  if (kept === undefined) return null;
  const parent = parentOf(headers);
  if (parent === null) return null;
  return kept.tracer.startSpan(
    name,
    { kind: SpanKind.SERVER, attributes: { 'http.request.method': method, 'neolith.endpoint': name } },
    parent,
  );
}

export function endCall(span: Span, status: number): void {
  span.setAttribute('http.response.status_code', status);
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

export interface ClaimedIds {
  readonly taskId: string;
  readonly attemptId: string;
  readonly orchestratorId: string | null;
  readonly runId: string | null;
}

/**
 * Begins the trace of an attempt with the claim that made it.
 *
 * @returns what the daemon is to send with each later call; undefined where nobody traces
 */
export function traceClaim(ids: ClaimedIds, startTime: Date): string | undefined {
  const kept = holder[KEY];
  if (kept === undefined) return undefined;
  const span = kept.tracer.startSpan(
    'claim',
    {
      kind: SpanKind.SERVER,
      startTime,
      attributes: {
        'neolith.task.id': ids.taskId,
        'neolith.attempt.id': ids.attemptId,
        ...(ids.orchestratorId === null ? {} : { 'neolith.orchestrator.id': ids.orchestratorId }),
        ...(ids.runId === null ? {} : { 'neolith.run.id': ids.runId }),
      },
    },
    ROOT_CONTEXT,
  );
  span.end();
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${(traceFlags & 1) === 1 ? '01' : '00'}`;
}
