/** How a worker's process ends: once, and after all that it opened was closed, as far as that can be done in time. */
import type { StopReason } from '@dpr/core';
import { deferred } from '../deferred.ts';
import { EXIT, EXIT_BY_REASON, ProcessError } from '../exit-codes.ts';
import type { Host } from '../host.ts';
import type { Log } from '../log.ts';
import { STOP_LIMIT_MS } from '../process.ts';
import {
  StateTooLargeError,
  StorageDamagedError,
  SupersededError,
  systemCode,
  VolumeLostError,
  WrongVolumeError,
} from '../storage/index.ts';

/** Ends that the administrator asked for. */
const AS_ASKED: readonly StopReason[] = ['shutdown', 'left'];

export interface WorkerEnd {
  /** Resolves with the exit code. */
  readonly ended: Promise<number>;
  isOver(): boolean;
  /** The state machine stops. */
  stop(why: StopReason, reason: string): void;
  /** The process cannot go on. */
  readonly broken: (error: unknown) => void;
  /** The state machine is asked to stop because of this error: it is what the process ends with, once everything is kept. */
  shutDownBy(error: unknown): void;
}

/** @param closeAll begins to close everything */
export function workerEnd(
  host: Host,
  log: Pick<Log, 'info' | 'error' | 'fatal'>,
  closeAll: () => readonly Promise<unknown>[],
): WorkerEnd {
  const { promise, resolve, reject } = deferred<number>();
  let over = false;
  let cause: unknown;

  function finish(settle: () => void): void {
    if (over) return;
    over = true;
    const late = host.setTimeout(settle, STOP_LIMIT_MS);
    void Promise.allSettled(closeAll()).then(() => {
      host.clearTimeout(late);
      settle();
    });
  }

  return {
    ended: promise,
    isOver: () => over,
    stop(why, reason) {
      log[AS_ASKED.includes(why) ? 'info' : 'fatal']({ event: 'stop', why, reason });
      finish(() => (cause === undefined ? resolve(EXIT_BY_REASON[why]) : reject(cause)));
    },
    broken(error) {
      if (over) return; // a fenced one finds out by the Finder and by its volume
      if (error instanceof SupersededError) {
        log.error({ event: 'stop', why: 'fenced', reason: error.message });
        finish(() => resolve(EXIT.fenced));
      } else {
        finish(() => reject(asProcessError(error)));
      }
    },
    shutDownBy(error) {
      cause = error;
    },
  };
}

/** What an administrator can do something about, as such; a defect as it is. */
function asProcessError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const exit = exitFor(error);
  return exit === undefined ? error : new ProcessError(error.message, exit, { cause: error });
}

function exitFor(error: Error): number | undefined {
  if (error instanceof VolumeLostError) return EXIT.volumeLost;
  if (error instanceof StateTooLargeError) return EXIT.tooLarge;
  // The disk or what is on it is at fault, not the program.
  const isDisk = error instanceof StorageDamagedError || error instanceof WrongVolumeError;
  return isDisk || systemCode(error) !== undefined ? EXIT.refused : undefined;
}
