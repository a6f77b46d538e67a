/** An engine by keys and values that are texts. */
import { createEngine, type Engine, TYPES } from '@dpr/store/engine';

/** Few tables, so that each of them grows and shrinks, and records that move whenever much of the memory is free. */
export const OPTIONS = { seed: [1, 2], maxBytes: 2 ** 30, tableBits: 2, spareBytes: 0 } as const;

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

export function driver(engine: Engine = createEngine(OPTIONS)) {
  const seek = (key: string): boolean => {
    const bytes = Buffer.from(key);
    return engine.keyspace.seek(viewOf(bytes), 0, bytes.length);
  };
  return {
    engine,
    advance: (now: number) => engine.keyspace.advance(now),
    /** Have the keyspace look for the key. @returns whether it is there */
    has: seek,
    get(key: string): string | undefined {
      if (!seek(key)) return undefined;
      const { value, valueFrom, valueLength } = engine.keyspace;
      return Buffer.from(value.buffer, value.byteOffset + valueFrom, valueLength).toString();
    },
    set(key: string, value: string, deadline = 0): boolean {
      const bytes = Buffer.from(value);
      seek(key);
      return engine.keyspace.write({
        type: TYPES.string,
        value: viewOf(bytes),
        from: 0,
        length: bytes.length,
        deadline,
      });
    },
    /** What the key holds is gone at a time. */
    expire(key: string, deadline: number): void {
      if (!seek(key)) return;
      const { recordType: type, value, valueFrom, valueLength: length } = engine.keyspace;
      const copy = Buffer.from(Buffer.from(value.buffer, value.byteOffset + valueFrom, length));
      engine.keyspace.write({ type, value: viewOf(copy), from: 0, length, deadline });
    },
    remove(key: string): boolean {
      return seek(key) && engine.keyspace.remove();
    },
    revision(key: string): number | undefined {
      return seek(key) ? engine.keyspace.revision : undefined;
    },
    /** All that is visible, as one base slice, bytes of the same records in the same order: what two engines of one content have in common. */
    dump(): Buffer {
      const { bytes, next } = engine.base(0, Infinity);
      if (next !== undefined) throw new Error('more records than fit into a slice');
      return Buffer.from(bytes);
    },
    /** Everything is committed and given back. */
    settle(version: number): void {
      engine.committed(version);
      while (engine.release(1_000));
    },
  };
}
