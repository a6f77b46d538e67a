/** Errors, as people are told of them: what is wrong, what to do next, and an exit code for scripts. */
import { OutsideDataError } from '@dpr/runtime/outside-data';
import {
  ClusterMismatchError,
  ConnectError,
  HistoryLostError,
  NotFinderError,
  RollbackError,
  SessionExpiredError,
  UnauthorizedError,
  UnknownWorkerError,
  WorkerRemovedError,
  WrongTypeError,
} from '../errors.ts';
import { EXIT } from './exit-codes.ts';

/** What the user typed cannot be done. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The cluster of this machine that is meant does not run. */
export class NotRunningError extends Error {
  override readonly name = 'NotRunningError';
}

/** A worker is asked for in a cluster that has none. */
export class NoWorkersError extends Error {
  override readonly name = 'NoWorkersError';

  constructor() {
    super(
      "no worker has joined the cluster yet, unless all were removed: 'dpr status --watch' shows each one that joins, and a worker's log what keeps it from that (npm start: in logs of the data directory; Kubernetes: kubectl logs)",
    );
  }
}

/** What was asked for was not done, as the worker says. */
export class NotDoneError extends Error {
  override readonly name = 'NotDoneError';
}

/** The cluster did not answer within `--timeout`. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
}

export interface Complaint {
  readonly text: string;
  readonly exitCode: number;
}

export function complaintOf(error: unknown): Complaint {
  if (!(error instanceof Error)) return { text: String(error), exitCode: EXIT.failed };
  const { message } = error;
  if (error instanceof UsageError) return { text: message, exitCode: EXIT.usage };
  if (error instanceof ConnectError) {
    return { text: `${message}\n${nextStep(message)}`, exitCode: EXIT.unreachable };
  }
  if (error instanceof OutsideDataError) return { text: message, exitCode: EXIT.unreachable };
  if (error instanceof TimeoutError || error instanceof NotFinderError || error instanceof NotRunningError) {
    return { text: message, exitCode: EXIT.unreachable };
  }
  if (error instanceof UnauthorizedError) {
    const text = `${message}\nGive the right token with --token-file or DPR_CLIENT_TOKEN, for status, events, watch and remove-worker also with --control-token-file or DPR_CONTROL_TOKEN; --data finds that of a cluster of this machine.`;
    return { text, exitCode: EXIT.unauthorized };
  }
  if (error instanceof NoWorkersError) return { text: message, exitCode: EXIT.unknownWorker };
  if (
    error instanceof UnknownWorkerError ||
    error instanceof WrongTypeError ||
    (error instanceof WorkerRemovedError && error.outcome === 'notExecuted')
  ) {
    return { text: `${message}\n'dpr workers' lists the workers.`, exitCode: EXIT.unknownWorker };
  }
  // Its own words are for programs, which have a session to go on with.
  if (error instanceof RollbackError) {
    const text = `a failure took back what this command did, and world-line ${error.worldLine} began: give it again`;
    return { text, exitCode: EXIT.lost };
  }
  if (
    error instanceof SessionExpiredError ||
    error instanceof HistoryLostError ||
    error instanceof WorkerRemovedError
  ) {
    return { text: message, exitCode: EXIT.lost };
  }
  if (error instanceof ClusterMismatchError || error instanceof TypeError || error instanceof RangeError) {
    return { text: message, exitCode: error instanceof ClusterMismatchError ? EXIT.failed : EXIT.usage };
  }
  return { text: message, exitCode: EXIT.failed };
}

function nextStep(message: string): string {
  if (message.includes('ECONNREFUSED')) {
    return "Nothing listens there: is the cluster running? 'npm start' starts one here; --cluster or DPR_CLUSTER names another, and --timeout waits for it.";
  }
  if (message.includes('did not answer within')) {
    return 'Something listens there and does not answer: if it is the Finder, it stands still, and nothing commits until it goes on or is restarted.';
  }
  if (message.includes('ENOTFOUND') || message.includes('EAI_AGAIN')) {
    return 'The host is not known: check --cluster or DPR_CLUSTER.';
  }
  if (/certificate|self.signed|SSL|TLS|EPROTO/i.test(message)) {
    return 'TLS failed: name the certificate to trust with --ca, and see that ws:// or wss:// is right.';
  }
  return 'Check --cluster or DPR_CLUSTER, and that the cluster is running.';
}
