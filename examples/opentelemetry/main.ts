/** Counts two visits, and prints a span for everything that takes time. */
import process from 'node:process';
import { connect } from '@dpr/client';
import { instrument } from '@dpr/opentelemetry';
import { trace } from '@opentelemetry/api';
import { ConsoleSpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';

const [address = 'ws://127.0.0.1:6379'] = process.argv.slice(2);

const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(new ConsoleSpanExporter())] });
provider.register();
instrument();

const cluster = await connect({ cluster: address });
const session = cluster.session();
await trace.getTracer('example').startActiveSpan('visit', async (span) => {
  const visits = session.counter(0);
  await Promise.all([visits.add(1), visits.add(1)]); // one batch, whose span is within 'visit'
  await session.commit(); // its span is linked with that of the batch
  span.end();
});

await cluster.close();
await provider.shutdown();
