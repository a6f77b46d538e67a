/** OpenTelemetry's SDK with what it is given in memory, as a program's own, and all clients instrumented. */
import { instrument } from '@dpr/opentelemetry';
import { context, propagation, trace, type Tracer } from '@opentelemetry/api';
import { MeterProvider, MetricReader, type MetricData } from '@opentelemetry/sdk-metrics';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-node';
import { afterEach, beforeEach } from 'mocha';

/** Collects when it is asked to. */
class Reader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

export interface Telemetry {
  readonly tracer: () => Tracer;
  /** Those that have ended, in this order. @param name of these alone */
  readonly spans: (name?: string) => ReadableSpan[];
  /** What was measured, by the metric's name. */
  readonly metrics: () => Promise<Map<string, MetricData>>;
  /** End what `instrument` began. */
  readonly end: () => void;
}

/** To be called within a `describe`. */
export function telemetry(): Telemetry {
  let exporter: InMemorySpanExporter;
  let reader: Reader;
  let end: () => void;

  beforeEach(() => {
    exporter = new InMemorySpanExporter();
    reader = new Reader();
    new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
    end = instrument({ meter: new MeterProvider({ readers: [reader] }).getMeter('test') });
  });
  afterEach(async () => {
    end();
    await reader.shutdown();
    for (const global of [trace, context, propagation]) global.disable();
  });

  return {
    tracer: () => trace.getTracer('test'),
    spans: (name) => exporter.getFinishedSpans().filter((span) => name === undefined || span.name === name),
    async metrics() {
      const { resourceMetrics } = await reader.collect();
      const all = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
      return new Map(all.map((metric) => [metric.descriptor.name, metric]));
    },
    end: () => end(),
  };
}
