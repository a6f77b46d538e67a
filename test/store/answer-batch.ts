import type { IncrementalState } from '@dpr/runtime';
import type { fakeWorker } from '../client/fake-cluster.ts';

type Peer = Awaited<ReturnType<Awaited<ReturnType<typeof fakeWorker>>['accept']>>;

/** Answers the next batch of a peer as a worker with this state does. @param now its clock when the batch has come */
export async function answerBatch(peer: Peer, state: IncrementalState, now: () => number): Promise<void> {
  const { session, worldLine, sequence, count, operations } = await peer.next('batch');
  const fields = { count, session, worldLine, sequence, version: 1, incarnation: 1 };
  peer.send({ kind: 'reply', ...fields, results: state.apply(operations, count, now()) });
}
