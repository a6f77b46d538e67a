import { serveWorker } from '@dpr/runtime';
import { store } from './store.ts';

await serveWorker(store);
