import { type ClusterStatus, connectOperator, type Operator, type Removal, UnknownWorkerError } from '@dpr/client';
import { patience } from '@dpr/runtime/time-limit';

/** A Finder that takes longer to answer counts as away. */
const ANSWER_TIMEOUT_MS = 1_000;

/**
 * What the supervisor asks of the Finder. An answer is undefined when the Finder gives none, as while it starts; it may be
 * asked again and again.
 */
export interface FinderControl {
  status(): Promise<ClusterStatus | undefined>;
  /** DELETEWORKER; a worker that the cluster does not know has left. */
  remove(id: number, force: boolean): Promise<Removal | undefined>;
  close(): void;
}

export type FinderAddress = {
  /** Its public and its control port, as `ws://host:port`. */
  readonly cluster: string;
  readonly control: string;
  readonly controlToken: string | undefined;
};

export function finderControl(address: FinderAddress): FinderControl {
  const closed = new AbortController();
  let connection: Promise<Operator> | undefined;

  async function ask<T>(question: (operator: Operator, signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    const { signal, end } = patience({ signals: [closed.signal], ms: ANSWER_TIMEOUT_MS });
    const own = (connection ??= connectOperator({
      ...address,
      connectTimeoutMs: ANSWER_TIMEOUT_MS,
      signal: closed.signal,
    }));
    try {
      return await question(await own, signal);
    } catch {
      // A connection waits for a Finder that is away by itself, and ends only when that is pointless.
      if (!signal.aborted && connection === own) forget();
      return undefined;
    } finally {
      end();
    }
  }

  function forget(): void {
    void connection?.then(
      (operator) => operator.close(),
      () => undefined,
    );
    connection = undefined;
  }

  return {
    status: () => ask((operator, signal) => operator.status({ signal })),
    remove: (id, force) =>
      ask(async (operator, signal): Promise<Removal> => {
        try {
          return await operator.deleteWorker(id, { force, signal });
        } catch (error) {
          if (error instanceof UnknownWorkerError) return { state: 'left', waitingFor: '' };
          throw error;
        }
      }),
    close() {
      closed.abort();
      forget();
    },
  };
}
