/** Whether a batch's worker is there and of the right type, before it is sent. */
import type { Batch } from './batch.ts';
import { UnknownWorkerError, WorkerRemovedError, WrongTypeError, type DprError } from '../errors.ts';
import type { SessionHost } from './session-host.ts';

/**
 * Why the batch cannot be sent; `unknown` while the membership is fetched to find out, after which `again` is called.
 * Batches are asked for in order, each until it can be sent or fails.
 */
export type Admission = (batch: Batch) => DprError | 'unknown' | undefined;

export function createAdmission(cluster: SessionHost, again: () => void): Admission {
  /** The batch whose worker is not in the membership, and whether the membership was fetched for it. */
  let lookUp: { readonly batch: Batch; done: boolean } | undefined;

  return (batch) => {
    const { worker, type } = batch;
    const actual = cluster.memberType(worker);
    if (actual === type) return undefined;
    if (actual !== undefined) return wrongType(worker, type, actual);
    if (cluster.removedGeneration(worker) !== undefined) return new WorkerRemovedError(worker, 'notExecuted');
    if (lookUp?.batch !== batch) {
      const mine = { batch, done: false };
      lookUp = mine;
      void cluster.freshMembership().then(() => {
        mine.done = true;
        again();
      });
    }
    if (!lookUp.done) return 'unknown';
    return new UnknownWorkerError(`no worker has the id ${worker}; the cluster has ${cluster.knownWorkers()}`);
  };
}

export function wrongType(worker: number, wanted: string, actual: string): WrongTypeError {
  return new WrongTypeError(`worker ${worker} is of type '${actual}', not '${wanted}'`);
}
