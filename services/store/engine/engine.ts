/** The engine as the harness sees it: all of an incremental state but `apply`, which says what the operations are. */
import type { IncrementalState, StateLoader } from '@dpr/runtime';
import { baseSlice } from './base-slices.ts';
import { ChunkBuilder, readChunk } from './chunk.ts';
import { Defragmenter } from './defragmenter.ts';
import { History } from './history.ts';
import { Keyspace, type KeyspaceOptions } from './keyspace.ts';
import { Loading } from './loading.ts';
import { Reaper } from './reaper.ts';

export interface Engine extends Omit<IncrementalState, 'apply'> {
  /** What there is now; `load` brings another one. */
  readonly keyspace: Keyspace;
}

export function createEngine(options: KeyspaceOptions): Engine {
  let keyspace = new Keyspace(options);
  let slices = new ChunkBuilder(keyspace.records);
  let reaper = new Reaper(keyspace);
  let defragmenter = new Defragmenter(keyspace, options.spareBytes);

  function load(): StateLoader {
    keyspace = new Keyspace(options);
    slices = new ChunkBuilder(keyspace.records);
    reaper = new Reaper(keyspace);
    defragmenter = new Defragmenter(keyspace, options.spareBytes);
    const { progress } = keyspace;
    const loading = new Loading(keyspace);
    return {
      take(chunk) {
        if (chunk.length === 0) return;
        const { clock, revision } = readChunk(chunk, (view, at) => loading.take(view, at));
        progress.clock = Math.max(progress.clock, clock);
        progress.revision = Math.max(progress.revision, revision);
      },
      end(version) {
        loading.end();
        keyspace.history = new History(keyspace.records, keyspace.index, progress, version);
      },
    };
  }

  return {
    get keyspace() {
      return keyspace;
    },
    seal: (version) => keyspace.history.seal(version),
    rollback: (version) => keyspace.history.rollback(version),
    committed(version) {
      keyspace.history.commit(version);
      reaper.begin();
      defragmenter.begin();
    },
    release(count) {
      const left = keyspace.history.release(count);
      const hasMore = !keyspace.history.isReleased;
      return hasMore || reaper.work(left) || defragmenter.work(left);
    },
    undoBytes: () => keyspace.history.undoBytes,
    baseBytes: () => keyspace.baseBytes,
    base: (position, maxBytes) => baseSlice(keyspace, slices, position, maxBytes),
    load,
  };
}
