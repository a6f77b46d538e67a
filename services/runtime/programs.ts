/** The programs of the cluster, each a whole `main`. */
import { finderSettings, workerSettings } from './environment.ts';
import { ProcessError } from './exit-codes.ts';
import { startFinder } from './finder/finder-process.ts';
import { createLog } from './log.ts';
import { runProcess } from './process.ts';
import { startUnlessLeft } from './worker/departure.ts';
import type { CreateSidePort } from './worker/side-port.ts';
import type { StateObject, WorkerType } from './worker/state-object.ts';
import { startWorker } from './worker/worker-process.ts';

/** Run the Finder as the environment says, until it is asked to stop. Never returns. */
export async function serveFinder(): Promise<never> {
  const settings = settingsOrExit('finder', () => finderSettings(process.env));
  const log = createLog(settings.logLevel, { role: 'finder' });
  return runProcess(log, () => startFinder(settings, log));
}

/**
 * Run a worker of this type as the environment says, until it is asked to stop or leaves the cluster. Never returns: the process
 * exits with a code of `EXIT`. In a pod that `DPR_POD_UID` names, one that left stays idle when its container is started again.
 *
 *     await serveWorker({ name: 'counter', create: () => createCounter() });
 */
export function serveWorker(type: WorkerType<StateObject>): Promise<never>;
// eslint-disable-next-line @typescript-eslint/unified-signatures -- with one signature, three functions in a literal would have no types
export function serveWorker(type: WorkerType): Promise<never>;
export function serveWorker(type: WorkerType): Promise<never> {
  return serveWorkerWith(type);
}

/** The same, with a second way in, which is open where the environment names its port. */
export async function serveWorkerWith(type: WorkerType, resp?: CreateSidePort): Promise<never> {
  const settings = settingsOrExit('worker', () => workerSettings(process.env));
  const log = createLog(settings.logLevel, { role: 'worker', worker: settings.id, type: settings.type });
  const start = () => startWorker(type, settings, log, resp);
  return runProcess(log, () => startUnlessLeft(settings, process.env.DPR_POD_UID, log, start));
}

function settingsOrExit<T>(role: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ProcessError)) throw error;
    createLog('info', { role }).fatal({ event: 'failed', reason: error.message });
    return process.exit(error.exitCode);
  }
}
