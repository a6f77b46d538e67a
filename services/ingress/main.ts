import { serveIngress } from './index.ts';

await serveIngress();
