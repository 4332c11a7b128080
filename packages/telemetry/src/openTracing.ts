import type { TracerProvider } from '@opentelemetry/api';

export interface TracingOptions {
  /** `service.name`, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say otherwise. */
  readonly serviceName: string;
  readonly serviceVersion: string;
}

export interface OpenTracing {
  readonly provider: TracerProvider;
  /** Sends what has not been sent, for at most `limitMs` (default 3,000); never rejects. */
  close(limitMs?: number): Promise<void>;
}

/**
 * Opens the way to the collector that the OTEL_* variables of this process name. Loads OpenTelemetry's SDK, so ask
 * `decideTracing` first. A collector that is away costs spans, never the work.
 */
export async function openTracing(options: TracingOptions): Promise<OpenTracing> {
  const [
    { OTLPTraceExporter },
    { BasicTracerProvider, BatchSpanProcessor },
    { defaultResource, detectResources, envDetector, resourceFromAttributes },
  ] = await Promise.all([
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/sdk-trace-base'),
    import('@opentelemetry/resources'),
  ]);
  const provider = new BasicTracerProvider({
    resource: defaultResource()
      .merge(
        resourceFromAttributes({
          'service.name': options.serviceName,
          'service.version': options.serviceVersion,
        }),
      )
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  return {
    provider,
    async close(limitMs = 3_000) {
      let timer: NodeJS.Timeout | undefined;
      const limit = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, limitMs);
      });
      // What could not be sent is lost, and nobody can be told any more.
      await Promise.race([provider.shutdown().catch(() => undefined), limit]);
      clearTimeout(timer);
    },
  };
}
