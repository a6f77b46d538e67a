/** What performs the effects of the core: sockets, files, clock, logs and metrics. Worker types build on `serveWorker`. */
export * from './public-api.ts';
export { serveFinder, serveWorkerWith } from './programs.ts';
export { ProcessError } from './exit-codes.ts';
export { finderSettings, workerSettings } from './environment.ts';
export type { FinderSettings, ProcessSettings, Tokens, Variables, WorkerSettings } from './environment.ts';
export { startFinder, type RunningFinder } from './finder/finder-process.ts';
export { startWorker, type RunningWorker } from './worker/worker-process.ts';
export type { Running } from './process.ts';
export { createLog, LOG_LEVELS, type Log, type LogLevel } from './log.ts';
export { backOff, type BackOff } from './back-off.ts';
export { listen, type Listener, type ListenerOptions } from './listener.ts';
export { LISTENER_LIMITS } from './listener-limits.ts';
export type { Connection, Owner } from './connection.ts';
export { dial, DIALER_TIMING, type Caller, type Dialer, type DialerOptions } from './dialer.ts';
export { PROGRAMS_ONLY, type Visitors } from './request-origins.ts';
export { serveAdmin, type AdminOptions, type AdminServer } from './admin.ts';
export { flag, gauge, info, processMetrics, total } from './metrics.ts';
export { runProcess } from './process.ts';
