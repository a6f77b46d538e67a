import { serveWorker } from '@dpr/runtime';
import { map } from './map.ts';

await serveWorker(map);
