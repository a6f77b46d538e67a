/** A worker type of another project, as a program: it counts as the counter does, by another name. */
import { createCounter } from '@dpr/counter';
import { serveWorker } from '@dpr/runtime';

await serveWorker({ name: 'tally', create: () => createCounter() });
