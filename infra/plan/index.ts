export type { Environment } from './environment.ts';
export { planLocal, reachable } from './local.ts';
export type { LocalFinder, LocalOptions, LocalPlan, LocalProcess, LocalWorker } from './local.ts';
export { BUILT_IN_TYPE, FINDER_NAME, workerName } from './names.ts';
export { ADMIN_PORT_OFFSET, CONTROL_PORT_OFFSET, LISTEN_PORT, MAX_PORT, publicPort } from './ports.ts';
