/** The versions of a state: what each wrote, how it is undone, and when the memory that this takes is given back. */
import assert from 'node:assert/strict';
import type { SealedChanges } from '@dpr/runtime';
import { type Progress, Version } from './changes.ts';
import { ChunkBuilder } from './chunk.ts';
import type { KeyIndex } from './key-index.ts';
import type { Records } from './records.ts';

export class History {
  readonly #records: Records;
  readonly #index: KeyIndex;
  readonly #chunk: ChunkBuilder;
  readonly #progress: Progress;
  #open: Version;
  /** Sealed versions that may be rolled back, in order. */
  readonly #sealed: Version[] = [];
  #sealedUndoBytes = 0;
  /** Committed and rolled back versions of which records are to be given back; of the first one, those from `#releaseAt` on. */
  readonly #releasing: Version[] = [];
  #releaseAt = 0;
  /** The last version that is committed, and the clock at its end. */
  committed: { readonly version: number; readonly clock: number };

  constructor(records: Records, index: KeyIndex, progress: Progress, version: number) {
    this.#records = records;
    this.#index = index;
    this.#chunk = new ChunkBuilder(records);
    this.#progress = progress;
    this.#open = new Version(progress);
    this.committed = { version, clock: progress.clock };
  }

  get undoBytes(): number {
    return this.#sealedUndoBytes + undoBytesOf(this.#open);
  }

  /** What records hold for undo, or for versions that are committed and not given back altogether: bytes, about. */
  get heldBytes(): number {
    let bytes = this.#open.undoBytes;
    for (const version of this.#sealed) bytes += version.undoBytes;
    for (const version of this.#releasing) if (version.fate === 'committed') bytes += version.undoBytes;
    const first = this.#releasing[0];
    if (first?.fate === 'committed') bytes -= first.undoBytes * (this.#releaseAt / first.length);
    return bytes;
  }

  /** Whether the open version wrote this record. */
  isOpen(address: number): boolean {
    return this.#records.revision(address) >= this.#open.before.revision;
  }

  /** Whether nothing but the index knows of this record: every version up to the one that wrote it is committed and released. */
  isUnreferenced(address: number): boolean {
    const oldest = this.#releasing.find(({ fate }) => fate === 'committed') ?? this.#sealed[0] ?? this.#open;
    return this.#records.revision(address) < oldest.before.revision;
  }

  /** The open version writes the key for the first time. `previous`: what it was before, 0: nothing. */
  begin(hash: number, address: number, previous: number): void {
    const wasRemoved = previous !== 0 && this.#records.isRemoved(previous);
    if (previous !== 0) {
      const bytes = this.#records.arena.blockBytes(previous);
      if (wasRemoved) this.#countUndo(previous, -bytes);
      this.#open.undoBytes += bytes;
    }
    this.#records.setPlace(address, this.#open.push(hash, address, previous, wasRemoved));
  }

  /** Another record takes the place of one of the open version. */
  move(from: number, to: number): void {
    const place = this.#records.place(from);
    this.#records.setPlace(to, place);
    this.#open.setRecord(place, to);
  }

  /** Say of a record of the open version that it is a removed one, and that it is none any more before it becomes another. */
  setRemoved(address: number, isRemoved: boolean): void {
    const bytes = this.#records.arena.blockBytes(address);
    this.#open.undoBytes += isRemoved ? bytes : -bytes;
    this.#open.setRemoved(this.#records.place(address), isRemoved);
  }

  seal(name: number): SealedChanges {
    const version = this.#open;
    assert.ok(name > (this.#sealed.at(-1)?.name ?? this.committed.version), 'versions rise');
    version.name = name;
    version.after = { ...this.#progress };
    this.#sealed.push(version);
    this.#sealedUndoBytes += undoBytesOf(version);
    this.#open = new Version(this.#progress);
    return this.#changesOf(version, version.after);
  }

  #changesOf(version: Version, after: Progress): SealedChanges {
    let place = 0;
    // The clock alone is a change: what a read found gone may not be there again.
    let isDone = version.length === 0 && after.clock === version.before.clock;
    const next = (maxBytes: number): Uint8Array | undefined => {
      if (isDone) return undefined;
      assert.equal(
        version.fate,
        'kept',
        `the changes of version ${version.name} are read after it was ${version.fate}`,
      );
      this.#chunk.begin(maxBytes);
      while (place < version.length && this.#chunk.add(version.record(place))) place++;
      isDone = place === version.length;
      return this.#chunk.finish(after);
    };
    return { next };
  }

  /** No rollback goes below this version any more. */
  commit(name: number): void {
    for (let version = this.#sealed[0]; version !== undefined && version.name <= name; version = this.#sealed[0]) {
      this.#sealed.shift();
      this.#sealedUndoBytes -= undoBytesOf(version);
      version.fate = 'committed';
      if (version.length > 0) this.#releasing.push(version);
      this.committed = { version: version.name, clock: version.after?.clock ?? 0 };
    }
  }

  rollback(name: number): void {
    assert.ok(name >= this.committed.version, `version ${this.committed.version} is committed: no way back to ${name}`);
    this.#undo(this.#open);
    let before = this.#open.before;
    for (
      let version = this.#sealed.at(-1);
      version !== undefined && version.name > name;
      version = this.#sealed.at(-1)
    ) {
      this.#sealed.pop();
      this.#sealedUndoBytes -= undoBytesOf(version);
      this.#undo(version);
      before = version.before;
    }
    Object.assign(this.#progress, before);
    this.#open = new Version(this.#progress);
  }

  /** Newer versions are undone by now. */
  #undo(version: Version): void {
    for (let place = 0; place < version.length; place++) {
      const hash = version.hash(place);
      const record = version.record(place);
      const previous = version.previous(place);
      if (previous === 0) {
        this.#index.erase(hash, record);
      } else if (version.wasRemoved(place) && this.#records.isSettled(previous)) {
        this.#index.erase(hash, record);
        this.#records.arena.free(previous);
      } else {
        if (version.wasRemoved(place)) this.#countUndo(previous, this.#records.arena.blockBytes(previous));
        this.#index.replace(hash, record, previous);
      }
    }
    version.fate = 'rolledBack';
    if (version.length > 0) this.#releasing.push(version);
  }

  /** A removed record is undo of the version that made it, while it is in the index. */
  #countUndo(address: number, bytes: number): void {
    const revision = this.#records.revision(address);
    const owner = this.#sealed.findLast(({ before }) => before.revision <= revision);
    if (owner === undefined) return; // committed by now
    owner.undoBytes += bytes;
    this.#sealedUndoBytes += bytes;
  }

  /** Give back the records of up to `count` changes. @returns how many of `count` are left */
  release(count: number): number {
    let left = count;
    for (let version = this.#releasing[0]; version !== undefined && left > 0; version = this.#releasing[0]) {
      const end = Math.min(version.length, this.#releaseAt + left);
      left -= end - this.#releaseAt;
      for (; this.#releaseAt < end; this.#releaseAt++) this.#releaseChange(version, this.#releaseAt);
      if (end < version.length) break;
      this.#releasing.shift();
      this.#releaseAt = 0;
    }
    return left;
  }

  get isReleased(): boolean {
    return this.#releasing.length === 0;
  }

  #releaseChange(version: Version, place: number): void {
    const { arena } = this.#records;
    if (version.fate === 'rolledBack') {
      arena.free(version.record(place));
      return;
    }
    const previous = version.previous(place);
    if (previous !== 0) arena.free(previous);
    if (!version.isRemoved(place)) return;
    const record = version.record(place);
    if (this.#index.holds(version.hash(place), record)) {
      this.#index.erase(version.hash(place), record);
      arena.free(record);
    } else {
      this.#records.settle(record);
    }
  }
}

function undoBytesOf(version: Version): number {
  return version.undoBytes + version.listBytes;
}
