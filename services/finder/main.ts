import { serveFinder } from '@dpr/runtime';

await serveFinder();
