import type { WorkerLog } from '@neolith/daemon';
import { decideTracing, type OpenTracing, openTracing } from '@neolith/telemetry';
import { trace } from '@opentelemetry/api';
import { VERSION } from '../version.js';

/** Sends this process's traces where the OTEL_* variables say; null where they say nothing, or what can't be done. */
export async function startTracing(
  serviceName: string,
  log: Pick<WorkerLog, 'info' | 'warn'>,
): Promise<OpenTracing | null> {
  const decided = decideTracing(process.env);
  if (!decided.wanted) {
    if (decided.problem !== null) log.warn('No traces are sent', { reason: decided.problem });
    return null;
  }
  const tracing = await openTracing({ serviceName, serviceVersion: VERSION });
  trace.setGlobalTracerProvider(tracing.provider);
  log.info('Traces are sent');
  return tracing;
}
