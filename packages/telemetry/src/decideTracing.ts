/** Whether traces are wanted; `problem`: what is set can't be done, and why. */
export type TracingDecision =
  | { readonly wanted: false; readonly problem: string | null }
  | { readonly wanted: true };

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * What the standard variables ask for: an exporter by name, or an address to send to. With none of them tracing is off,
 * where OpenTelemetry's own default would be an address on this machine that as a rule nobody listens on. Pure.
 */
export function decideTracing(env: Variables): TracingDecision {
  if (env.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true') return { wanted: false, problem: null };
  const exporter = env.OTEL_TRACES_EXPORTER?.trim() || null;
  if (exporter === 'none') return { wanted: false, problem: null };
  if (exporter !== null && exporter !== 'otlp') {
    return {
      wanted: false,
      problem: `OTEL_TRACES_EXPORTER is ${JSON.stringify(exporter)}; only "otlp" and "none" are known here.`,
    };
  }
  const address = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT || null;
  if (exporter === null && address === null) return { wanted: false, problem: null };
  const protocol = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL || null;
  if (protocol === 'grpc') {
    return {
      wanted: false,
      problem: 'OTLP over gRPC is not spoken here; name the collector\'s HTTP port (4318) and "http/json".',
    };
  }
  return { wanted: true };
}
