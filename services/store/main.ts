import { respPort } from '@dpr/resp';
import { serveWorkerWith } from '@dpr/runtime';
import { storeResp } from './resp/index.ts';
import { store } from './store.ts';

await serveWorkerWith(store, respPort(storeResp));
