import { serveWorker } from '@dpr/runtime';
import { counter } from './counter.ts';

await serveWorker(counter);
