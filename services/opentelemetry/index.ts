/**
 * Spans and metrics of what `@dpr/client` does, for OpenTelemetry.
 *
 * @example
 * import { instrument } from '@dpr/opentelemetry';
 *
 * const end = instrument(); // once the program has registered its providers
 */
import { metrics, trace, type Meter, type Tracer } from '@opentelemetry/api';
import { listen } from './channels.ts';
import { createMetrics } from './metrics.ts';
import { Spans } from './spans.ts';

export interface InstrumentOptions {
  /** Makes the spans; that of the program's own tracer provider unless given. */
  readonly tracer?: Tracer | undefined;
  /** Makes the metrics; that of the program's own meter provider unless given, which must be registered by now. */
  readonly meter?: Meter | undefined;
}

const NAME = '@dpr/opentelemetry';

/**
 * Have spans and metrics made of all clients of this program, also of those that are connected already: from the next call on.
 *
 * @returns a function that ends it; spans of what is under way then are never reported
 * @example
 * const end = instrument({ tracer: provider.getTracer('shop') });
 */
export function instrument(options: InstrumentOptions = {}): () => void {
  const { tracer = trace.getTracer(NAME), meter = metrics.getMeter(NAME) } = options;
  const ends = [new Spans(tracer), createMetrics(meter)].map(listen);
  return () => {
    for (const end of ends) end();
  };
}
