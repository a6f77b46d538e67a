export type { Phase } from './events.ts';
export { untilReady } from './readiness.ts';
export { SERVED_WELL_MS } from './restart-policy.ts';
