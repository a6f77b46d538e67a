/**
 * A state of the simulation that is kept as an incremental one: records that change, appear and go, so that its checkpoints are changes and slices of
 * the base. One record is the state itself; the others, a ring of cells, follow from the last states, so that one that is lost, stale or comes
 * back shows at once.
 */
import assert from 'node:assert/strict';
import type { Worker } from '../../services/core/index.ts';
import type { SectionLimits } from '../../services/runtime/worker/incremental/index.ts';
import type { IncrementalState } from '../../services/runtime/worker/incremental-state.ts';
import { begin, execute } from './batch-execution.ts';
import { piecesOf } from './operations.ts';
import { EMPTY, type State, type States } from './state-object.ts';
import type { World } from './world.ts';

/** So small that sweeps, turns and limits come with every few checkpoints. */
export const SIM_SECTION_LIMITS: SectionLimits = {
  chunkBytes: 40,
  turnBytes: 120,
  releaseRecords: 2,
  turnRecords: 6,
  bytesPerSecond: 5_000,
  periodMs: 4,
  dueRatio: 1.4,
  smallBaseBytes: 300,
  basePerChange: 2,
  lagOfBase: 1 / 8,
  sectionBaseBytes: 200,
  deltas: 12,
  sweepSections: 10,
  hurrySections: 5,
  maxSections: 40,
};

const CELLS = 16;
/** The record of the state; cells follow. */
const STATE = 0;
const RECORDS = 1 + CELLS;

type Value = State | number;
/** By place; undefined: it is not there. */
type Records = (Value | undefined)[];
type Undo = Map<number, { readonly before: Value | undefined; after: Value | undefined }>;

/** A state sets the cell of its length to its hash, and some delete the opposite one. */
function* changesTo(state: State): Generator<readonly [place: number, value: Value | undefined]> {
  yield [STATE, state];
  yield [1 + (state.length % CELLS), state.hash];
  if (state.hash % 3 === 0) yield [1 + ((state.length + CELLS / 2) % CELLS), undefined];
}

/** What the records of a state must be: its last states set each cell once. */
function recordsOf(state: State): Records {
  const last: State[] = [];
  for (let at = state; at.before !== undefined && last.length < CELLS; at = at.before) last.push(at);
  const records = Array<Value | undefined>(RECORDS).fill(undefined);
  for (const one of last.reverse()) for (const [place, value] of changesTo(one)) records[place] = value;
  return records;
}

export interface IncrementalObject extends IncrementalState {
  readonly state: State;
  /** The states that were sealed, in order; each is asked for once. */
  nextTaken(): State | undefined;
}

/** @param worker whose object it is */
export function createIncrementalObject(world: World, worker: () => Worker): IncrementalObject {
  const taken: State[] = [];
  const cells = createRecords(world.states);
  return {
    ...cells,
    get state() {
      return cells.state;
    },
    nextTaken: () => taken.shift(),
    apply(operations, count) {
      const pieces = piecesOf(operations, count);
      begin(world, worker(), cells.state, pieces);
      return execute(world, worker(), cells.state, pieces, (next) => cells.follow(next));
    },
    seal(version) {
      taken.push(cells.state);
      return cells.seal(version);
    },
    rollback(version) {
      if (cells.rollback(version) > 0) world.reached('an incremental state goes back over a seal');
      cells.check();
    },
    base(position, maxBytes) {
      const slice = cells.base(position, maxBytes);
      if (slice.next === undefined) world.reached('a sweep of an incremental state comes to its end');
      return slice;
    },
    load() {
      const loader = cells.load();
      return {
        ...loader,
        take(chunk) {
          world.reached('an incremental state is loaded');
          loader.take(chunk);
        },
      };
    },
  };
}

/** What `createIncrementalObject` and the checker of disks have in common: everything but execution. */
export function createRecords(states: States) {
  let records = recordsOf(EMPTY);
  let open: Undo = new Map();
  /** Sealed and not committed, in order. */
  let sealed: { readonly version: number; readonly changes: Undo }[] = [];
  /** Committed and not released. */
  let garbage: Undo[] = [];

  function readState(): State {
    return (records[STATE] as State | undefined) ?? EMPTY;
  }

  function undo(changes: Undo): void {
    for (const [place, { before }] of changes) records[place] = before;
  }

  return {
    get state() {
      return readState();
    },
    follow(next: State): void {
      for (const [place, after] of changesTo(next)) {
        const change = open.get(place);
        if (change === undefined) open.set(place, { before: records[place], after });
        else change.after = after;
        records[place] = after;
      }
    },
    /** @throws AssertionError when a record is not what the state says */
    check(): void {
      assert.deepEqual(records, recordsOf(readState()), 'the records are not those of the state');
    },
    seal(version: number) {
      const left = open.entries();
      sealed.push({ version, changes: open });
      open = new Map();
      return {
        next(maxBytes: number): Uint8Array | undefined {
          const parts: Buffer[] = [];
          for (let bytes = 0; bytes < maxBytes;) {
            const next = left.next();
            if (next.done === true) break;
            const part = encode(states, next.value[0], next.value[1].after);
            parts.push(part);
            bytes += part.length;
          }
          return parts.length === 0 ? undefined : Buffer.concat(parts);
        },
      };
    },
    /** @returns how many sealed versions were undone */
    rollback(version: number): number {
      undo(open);
      open = new Map();
      const before = sealed.length;
      for (let last = sealed.at(-1); last !== undefined && last.version > version; last = sealed.at(-1)) {
        undo(last.changes);
        sealed.pop();
      }
      return before - sealed.length;
    },
    committed(version: number): void {
      garbage.push(...sealed.filter((one) => one.version <= version).map(({ changes }) => new Map(changes)));
      sealed = sealed.filter((one) => one.version > version);
    },
    release(count: number): boolean {
      let left = count;
      for (const changes of garbage) {
        for (const place of changes.keys()) if (left-- > 0) changes.delete(place);
      }
      garbage = garbage.filter(({ size }) => size > 0);
      return garbage.length > 0;
    },
    undoBytes: () => open.size + sealed.reduce((sum, { changes }) => sum + changes.size, 0),
    baseBytes: () => records.reduce<number>((sum, value, place) => sum + bytesOf(states, place, value), 0),
    base(position: number, maxBytes: number) {
      const parts: Buffer[] = [];
      let next = position;
      for (let bytes = 0; next < RECORDS && bytes < maxBytes; next++) {
        if (records[next] === undefined) continue;
        const part = encode(states, next, records[next]);
        parts.push(part);
        bytes += part.length;
      }
      return { bytes: Buffer.concat(parts), next: next < RECORDS ? next : undefined };
    },
    load() {
      records = recordsOf(EMPTY);
      open = new Map();
      sealed = [];
      garbage = [];
      return {
        take(chunk: Uint8Array): void {
          const bytes = Buffer.from(chunk);
          for (let at = 0; at < bytes.length;) at = decode(states, bytes, at, records);
        },
        end: (): void => assert.deepEqual(records, recordsOf(readState()), 'the records are not those of the state'),
      };
    },
  };
}

const HEAD_BYTES = 6;

/** Place, whether it is there, length; then a state's snapshot, or a cell's hash. */
function encode(states: States, place: number, value: Value | undefined): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  const body =
    value === undefined ? Buffer.alloc(0) : typeof value === 'number' ? hashBytes(value) : states.encode(value);
  head.writeUInt8(place, 0);
  head.writeUInt8(Number(value !== undefined), 1);
  head.writeUInt32LE(body.length, 2);
  return Buffer.concat([head, body]);
}

function bytesOf(states: States, place: number, value: Value | undefined): number {
  if (value === undefined) return 0;
  return HEAD_BYTES + (place === STATE ? states.snapshotBytes : 4);
}

function hashBytes(hash: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(hash);
  return bytes;
}

/** @returns where the next record begins @throws Error when there is none at `at` */
function decode(states: States, bytes: Buffer, at: number, records: Records): number {
  const place = bytes.readUInt8(at);
  const end = at + HEAD_BYTES + bytes.readUInt32LE(at + 2);
  if (place >= RECORDS || end > bytes.length) throw new Error('a chunk has no such record');
  const body = bytes.subarray(at + HEAD_BYTES, end);
  const isThere = bytes.readUInt8(at + 1) === 1;
  records[place] = !isThere ? undefined : place === STATE ? states.decode(body) : body.readUInt32LE();
  return end;
}
