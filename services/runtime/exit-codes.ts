import type { StopReason } from '@dpr/core';

/** How a process of the cluster ends; a supervisor decides by this whether to start it again. */
export const EXIT = {
  /** As asked, or by itself with nothing left to do. */
  ok: 0,
  /** The worker was removed from the cluster: do not start it again. */
  left: 10,
  /** A later incarnation of the worker took over. */
  fenced: 11,
  /** An administrator must act: the cluster refused the worker, or its volume. */
  refused: 12,
  /** The worker missed more rollbacks than are remembered; started again, it joins anew. */
  lostHistory: 13,
  /** What is on the worker's volume does not fit into the memory that it may use. */
  tooLarge: 14,
  /** What is on the disk cannot be read (`EX_DATAERR`). */
  damaged: 65,
  /** A defect of the program (`EX_SOFTWARE`). */
  internal: 70,
  /** Its files are not under their names any more: they were removed or moved while it ran (`EX_IOERR`). */
  volumeLost: 74,
  /** Asked to stop, and not done in time: what was not durable is rolled back (`EX_TEMPFAIL`). */
  unclean: 75,
  /** Settings, directory, lock or port: cannot start as configured (`EX_CONFIG`). */
  config: 78,
} as const;

/**
 * What a process may end with whose memory ran out, as a signal and as a shell or a container tells of that: V8 aborts when its heap is
 * full, and the system kills what exceeds the memory of the machine or the container. An administrator may kill it the same way.
 */
export const OUT_OF_MEMORY = {
  aborted: { signal: 'SIGABRT', code: 128 + 6 },
  killed: { signal: 'SIGKILL', code: 128 + 9 },
} as const;

export const EXIT_BY_REASON: Readonly<Record<StopReason, number>> = {
  shutdown: EXIT.ok,
  left: EXIT.left,
  fenced: EXIT.fenced,
  refused: EXIT.refused,
  lostHistory: EXIT.lostHistory,
};

/** The process cannot start, or cannot go on, as things are; the message is for an administrator. */
export class ProcessError extends Error {
  override readonly name = 'ProcessError';
  readonly exitCode: number;

  constructor(message: string, exitCode: number, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
