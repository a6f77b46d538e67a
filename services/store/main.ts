import { respPort } from '@dpr/resp';
import { serveWorkerWith } from '@dpr/runtime';
import { storeResp } from './resp/index.ts';
import { storeWorker } from './store.ts';

const { type, memory } = storeWorker(process.env);
await serveWorkerWith(type, respPort({ ...storeResp, memory }));
