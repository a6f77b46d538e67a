/** One call of a worker, as a command makes it. */
import { unlessAborted } from '../abort.ts';
import type { Cluster } from '../connection/cluster.ts';
import { UnknownWorkerError } from '../errors.ts';
import type { Outcome } from '../session/outcome.ts';
import type { Session } from '../session/session.ts';
import { inTime, withCluster } from './commands.ts';
import { NoWorkersError } from './error-report.ts';
import type { Settings } from './settings.ts';
import type { Terminal } from './terminal.ts';

/** What is asked of a worker, by whom. */
export interface Asked {
  readonly settings: Settings;
  readonly terminal: Terminal;
  readonly worker: number;
}

export interface WriteWords {
  readonly commit?: boolean;
  readonly replay?: boolean;
  readonly json?: boolean;
}

/** Call what changes nothing: it is called again if a failure comes between. */
export function read<Result>(
  { settings, terminal, worker }: Asked,
  call: (session: Session, signal: AbortSignal, cluster: Cluster) => PromiseLike<Result>,
): Promise<Result> {
  return withWorkers({ settings, terminal }, (cluster) => {
    const session = cluster.session({ replay: true });
    const late = `worker ${worker} did not answer; 'dpr status' shows how it is`;
    return inTime(settings, terminal, late, (signal) => call(session, signal, cluster));
  });
}

/**
 * Call what changes something, and wait for its commit if that is asked for.
 * @param done what the worker may have done when it did not answer, as in `added 7`, and what it did when there is no commit
 */
export function write<Result>(
  { settings, terminal, worker }: Asked,
  { commit = false, replay = true }: WriteWords,
  call: (session: Session) => Outcome<Result>,
  done: { readonly perhaps: string; readonly surely: (result: Result) => string },
): Promise<Result> {
  return withWorkers({ settings, terminal }, async (cluster) => {
    const session = cluster.session({ replay });
    const called = call(session);
    const late = `worker ${worker} did not answer, and may have ${done.perhaps} all the same; 'dpr status' shows how it is`;
    const result = await inTime(settings, terminal, late, (signal) => unlessAborted(called.then(), signal));
    if (!commit) return result;
    const uncommitted = `worker ${worker} ${done.surely(result)}, and that was not committed`;
    await inTime(settings, terminal, uncommitted, (signal) => session.commit({ signal }));
    return called.committed; // another one, if it was done again
  });
}

/** @throws NoWorkersError where there is no worker at all */
function withWorkers<Result>(
  { settings, terminal }: Omit<Asked, 'worker'>,
  work: (cluster: Cluster) => Promise<Result>,
): Promise<Result> {
  return withCluster(settings, terminal, async (cluster) => {
    try {
      return await work(cluster);
    } catch (error) {
      if (error instanceof UnknownWorkerError && cluster.workers().length === 0) throw new NoWorkersError();
      throw error;
    }
  });
}
