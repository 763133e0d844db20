import { withPackages } from "../optional-package.ts";

/** What sends traces; they are left to be installed by who wants them. */
const PACKAGES = [
  "@opentelemetry/sdk-trace-node",
  "@opentelemetry/exporter-trace-otlp-grpc",
  "@opentelemetry/resources",
];

/**
 * Sends all spans to a collector, by OTLP over gRPC as TEI does.
 *
 * @returns what sends the last ones
 */
export async function startTracing(endpoint: string, serviceName: string): Promise<() => Promise<void>> {
  const [{ BatchSpanProcessor, NodeTracerProvider }, { OTLPTraceExporter }, { resourceFromAttributes }] =
    await withPackages(PACKAGES, () =>
      Promise.all([
        import("@opentelemetry/sdk-trace-node"),
        import("@opentelemetry/exporter-trace-otlp-grpc"),
        import("@opentelemetry/resources"),
      ]),
    );
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ "service.name": serviceName }),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url: endpoint }))],
  });
  provider.register();
  return () => provider.shutdown();
}
