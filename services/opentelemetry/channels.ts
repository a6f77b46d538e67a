/** The client's channels, by their names: the client is not loaded, and one subscriber hears every copy of it in the program. */
import { subscribe, unsubscribe, type ChannelListener } from 'node:diagnostics_channel';
import type { BatchTrace, CommitTrace, ConnectTrace, RollbackTrace, traceChannels } from '@dpr/client';

/** The type is the client's, so that the compiler compares the names. */
const CHANNELS: typeof traceChannels = {
  batch: 'dpr:batch',
  commit: 'dpr:commit',
  connect: 'dpr:connect',
  committed: 'dpr:committed',
  rollback: 'dpr:rollback',
};

/** Hears what clients do. A batch, commit or connection that is settled has its `error`, if it failed. */
export interface Listener {
  batchSent?(batch: BatchTrace): void;
  batchSettled?(batch: BatchTrace): void;
  batchCommitted?(batch: BatchTrace): void;
  commitBegun?(commit: CommitTrace): void;
  commitSettled?(commit: CommitTrace): void;
  connectBegun?(connect: ConnectTrace): void;
  connectSettled?(connect: ConnectTrace): void;
  rolledBack?(rollback: RollbackTrace): void;
}

/** @returns a function that ends it */
export function listen(listener: Listener): () => void {
  const { batch, commit, connect, committed, rollback } = CHANNELS;
  const subscriptions = Object.entries({
    [`tracing:${batch}:start`]: (trace: BatchTrace) => listener.batchSent?.(trace),
    [`tracing:${batch}:asyncEnd`]: (trace: BatchTrace) => listener.batchSettled?.(trace),
    [`tracing:${commit}:start`]: (trace: CommitTrace) => listener.commitBegun?.(trace),
    [`tracing:${commit}:asyncEnd`]: (trace: CommitTrace) => listener.commitSettled?.(trace),
    [`tracing:${connect}:start`]: (trace: ConnectTrace) => listener.connectBegun?.(trace),
    [`tracing:${connect}:asyncEnd`]: (trace: ConnectTrace) => listener.connectSettled?.(trace),
    [committed]: (trace: BatchTrace) => listener.batchCommitted?.(trace),
    [rollback]: (trace: RollbackTrace) => listener.rolledBack?.(trace),
  }) as [string, ChannelListener][];
  for (const [name, told] of subscriptions) subscribe(name, told);
  return () => {
    for (const [name, told] of subscriptions) unsubscribe(name, told);
  };
}
