/** The keys of a state in the order of their hashes, slice by slice: positions are hashes, which no change of others moves. */
import type { BaseSlice } from '@dpr/runtime';
import type { ChunkBuilder } from './chunk.ts';
import { createGroup, HASH_END } from './key-index.ts';
import type { Keyspace } from './keyspace.ts';

/** A slice looks at no more homes of keys than this, so that it ends within a millisecond where there are few keys. */
const MAX_HOMES = 65_536;

const group = createGroup();
const EMPTY = new Uint8Array(0);

/** The records from a position on, as long as they fit into `maxBytes`. */
export function baseSlice(keyspace: Keyspace, chunk: ChunkBuilder, position: number, maxBytes: number): BaseSlice {
  chunk.begin(maxBytes);
  const next = fill(keyspace, chunk, position);
  const bytes = chunk.isEmpty ? EMPTY : chunk.finish(keyspace.progress);
  return { bytes, next: next === HASH_END ? undefined : next };
}

/** @returns the hash that is to be looked at next */
function fill(keyspace: Keyspace, chunk: ChunkBuilder, position: number): number {
  const { index, records } = keyspace;
  let hash = position;
  for (let homes = 0; homes < MAX_HOMES && hash < HASH_END; homes++) {
    index.group(hash, group);
    for (let place = 0; place < group.count; place++) {
      const address = group.addresses[place] ?? 0;
      if (!keyspace.isInBase(records.memory(address), records.offset(address))) continue;
      const other = group.hashes[place] ?? 0;
      // Keys with the same hash have the same position, so they are in one slice.
      if (!chunk.add(address, other)) return other;
    }
    hash = index.nextHome(hash);
  }
  return hash;
}
