import { serveWorker } from '@dpr/runtime';
import { set } from './set.ts';

await serveWorker(set);
