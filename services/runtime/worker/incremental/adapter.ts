import type { IncrementalState } from '../incremental-state.ts';
import { checkResults } from '../check-results.ts';
import type { AdaptedState, SealedState, StateEvents, StateLimits, StateTaker } from '../adapted-state.ts';
import { stateSections, type ChainLoader, type SealedSection } from './sections.ts';
import type { TurnHost } from './time-slices.ts';

/** The sections of a chain may have so many times the bytes of the state: the base, and changes until it is written anew. */
const CHAIN_PER_STATE = 3;

/** An incremental state object: rollbacks undo in memory, and its sections form chains. */
export function adaptIncremental(
  host: TurnHost,
  object: IncrementalState,
  { maxStateBytes, sectionLimits }: StateLimits,
  { batch }: StateEvents,
): AdaptedState {
  const sections = stateSections(host, object, sectionLimits);
  return {
    apply(operations, count, _ticket, clock) {
      const results = object.apply(operations, count, clock);
      batch();
      return checkResults(results, count);
    },
    seal: (version) => sealedChanges(sections.seal(version)),
    rollback(version) {
      sections.rollback(version);
      return true;
    },
    committed: (version) => sections.committed(version),
    undoBytes: () => object.undoBytes(),
    restore: (version) => takeChain(version, CHAIN_PER_STATE * maxStateBytes, () => sections.load()),
    restoreEmpty(version) {
      sections.load().end(version, undefined);
      return Promise.resolve();
    },
    behind: (unwritten) => sections.behind(unwritten),
    stop: () => sections.stop(),
  };
}

function sealedChanges(section: SealedSection): SealedState {
  return {
    async encode() {
      const chunks = await section.encode();
      return chunks && { since: section.since, chunks };
    },
    discard: () => Promise.resolve(),
  };
}

function takeChain(version: number, maxStateBytes: number, load: () => ChainLoader): StateTaker {
  let loader: ChainLoader | undefined;
  return {
    maxStateBytes,
    openState() {
      const opened = load();
      loader = opened;
      return (piece) => {
        opened.take(piece.bytes);
        if (piece.isLast) opened.endSection();
      };
    },
    finish(state) {
      if ('path' in state || loader === undefined) throw new Error('an incremental state is never a file');
      loader.end(version, state.since);
      return Promise.resolve();
    },
  };
}
