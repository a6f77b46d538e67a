/** About how many operations a rollback takes back: those that workers told of and that the cut does not cover. */
import type { MessageOf } from '@dpr/protocol';
import type { Finder, Peer } from './state.ts';

/** What a worker tells of the present world-line is kept while it is away, too: its end loses its own operations first. */
export function takeProgress(finder: Finder, peer: Peer, message: MessageOf<'progress'>): void {
  peer.progress = message;
  if (peer.worker !== undefined && peer.resent) finder.progress.set(peer.worker, message);
}

/**
 * The operations beyond the cut, as workers told of them last. An estimate: workers tell now and then, so it misses what they executed
 * since, and includes what was committed since.
 */
export function lostOperations({ progress, record }: Finder): number {
  let sum = 0;
  for (const [worker, { version, operations, committedOperations }] of progress) {
    if (version > (record.cut.get(worker) ?? 0)) sum += Math.max(0, operations - committedOperations);
  }
  return Math.min(sum, Number.MAX_SAFE_INTEGER); // what a worker tells is not checked, and the sum has to fit into a frame
}
