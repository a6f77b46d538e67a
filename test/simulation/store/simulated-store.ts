/**
 * A production store that holds a state of the simulation, beside a model of all that it holds. One key has the state itself; what the others
 * hold follows from the states before it, and from the time by which each was made: this is remembered with the state, so that what a rollback
 * brings back, or a disk, can be compared with it.
 */
import { createStore } from '@dpr/store';
import type { Engine } from '@dpr/store/engine';
import { decodeResults } from '@dpr/store/operations';
import type { IncrementalState } from '../../../services/runtime/worker/incremental-state.ts';
import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import { readChunk } from '../../../services/store/engine/chunk.ts';
import { hiddenAt, isRemovedAt, keyAt, keyLengthAt } from '../../../services/store/engine/records.ts';
import { MIN_NODE_BYTES } from '../../../services/store/collections/tree.ts';
import { audit } from '../../store/collections/audit.ts';
import { EMPTY, type State } from '../state-object.ts';
import type { World } from '../world.ts';
import { Draft, type Contents } from './contents.ts';
import { createDumper, recordsOf } from './dump.ts';
import { stepsOf } from './plan.ts';
import { scan, set, type Step } from './steps.ts';

/** So small that a collection of some members has pages, and that tables grow and shrink. Which keys are in a table depends on chance in production. */
const NODE_BYTES = MIN_NODE_BYTES;
const OPTIONS = { seed: [3, 4], maxBytes: 2 ** 30, tableBits: 1, nodeBytes: NODE_BYTES } as const;

/** Of so many seals one is checked. */
const SEALS_PER_CHECK = 8;
/** Within so many commits, what is of no use any more is given back. */
const MOST_ROUNDS = 1_000;
const dump = createDumper(NODE_BYTES);
/** The key of the state. */
const STATE = 'state';

/** What is known of a store once it has come to a state. */
interface Known {
  readonly contents: Contents;
  readonly clock: number;
  readonly revision: number;
  /** Of its records when it was sealed: a store that goes back to it has the same, byte for byte, and so has one that loads it. */
  records: number | undefined;
}

const NOTHING: Known = { contents: new Map(), clock: 0, revision: 1, records: crc32('') };
const KNOWN = new WeakMap<State, Known>();

function knownOf(state: State): Known {
  const known = state === EMPTY ? NOTHING : KNOWN.get(state);
  assert.ok(known !== undefined, 'the state was made by a store');
  return known;
}

/** In the model's place of a snapshot: each one that is taken of a state differs. */
function nameOf({ hash, length }: State): string {
  return `${hash} ${length}`;
}

/** How states are named, and who is told of what a run must have seen. */
type StoreWorld = Pick<World, 'states' | 'reached'>;

export interface SimulatedStore extends Omit<IncrementalState, 'apply'> {
  readonly state: State;
  /** Execute what makes the next state. @throws AssertionError when an answer is not that of the model */
  follow(next: State, now: number): void;
  /** Let all deadlines pass: keys and pages that are of no use any more are given back. Nothing else is asked of it afterwards. */
  comeToRest(): void;
}

export function createSimulatedStore(world: StoreWorld): SimulatedStore {
  const { states } = world;
  const store = createStore(OPTIONS);
  const engine = store as unknown as Engine;
  let state = EMPTY;
  let newestSealed = 0;

  /** What the store says that its state is. */
  function readState(): State {
    const { keyspace } = engine;
    const key = Buffer.from(STATE);
    if (!keyspace.seek(new DataView(key.buffer, key.byteOffset, key.length), 0, key.length)) return EMPTY;
    const { value, valueFrom, valueLength } = keyspace;
    return states.decode(new Uint8Array(value.buffer, value.byteOffset + valueFrom, valueLength));
  }

  /** @throws AssertionError when the store does not hold what it held when it came to its state @returns the keys that have pages */
  function check(): ReadonlySet<string> {
    const { contents, clock, revision, records } = knownOf(state);
    const { keyspace } = engine;
    assert.equal(keyspace.progress.clock, clock, 'the clock of the store');
    const found = dump(engine);
    // A store that evicts would tell here which keys it took out, and the model would forget these.
    const named = new Map(found.contents);
    if (state !== EMPTY) named.set(STATE, { type: 'string', value: nameOf(readState()), deadline: 0 });
    assert.deepEqual(named, contents, 'a store does not hold what its operations made of it');
    assert.equal(keyspace.progress.revision, revision, 'the revision that comes next');
    assert.equal(crc32(recordsOf(engine)), records, 'the records of a store are those of its seal');
    audit(keyspace, NODE_BYTES);
    return found.paged;
  }

  function apply(steps: readonly Step[], draft: Draft, now: number): void {
    const operations = Buffer.concat(steps.map(({ bytes }) => bytes));
    const results = decodeResults(store.apply(operations, steps.length, now), steps.length);
    for (const [index, step] of steps.entries()) {
      const expected = draft.skipped > 0 ? 'skipped' : step.model(draft);
      if (expected === 'skipped') draft.skipped--;
      assert.deepEqual(step.read(results, index), expected, 'an operation of a store answers what it should');
    }
  }

  /** @param before what the store held, @param paged which of its keys have pages now */
  function noteUndo(before: Known, doomed: number, paged: ReadonlySet<string>): void {
    const { contents } = knownOf(state);
    for (const [key, entry] of contents) {
      if (paged.has(key) && before.contents.get(key)?.value !== entry.value)
        world.reached('a paged collection is undone');
      if (entry.deadline > 0 && entry.deadline <= before.clock)
        world.reached('a rollback brings back a key that was over');
    }
    if (doomed > engine.keyspace.progress.doomed)
      world.reached('a rollback brings back a collection that was being removed');
  }

  return {
    get state() {
      return state;
    },
    follow(next, now) {
      const { contents, clock } = knownOf(state);
      const draft = new Draft(contents, Math.max(clock, now));
      const setState: Step = {
        ...set(STATE, states.encode(next).toString('latin1')),
        model: () => {
          draft.put(STATE, 'string', nameOf(next), 0);
          return 'done';
        },
      };
      apply([...stepsOf(next), setState], draft, now);
      const { revision } = engine.keyspace.progress;
      KNOWN.set(next, { contents: draft.entries, clock: draft.clock, revision, records: undefined });
      state = next;
    },
    seal(version) {
      const changes = store.seal(version);
      newestSealed = version;
      const known = knownOf(state);
      known.records ??= crc32(recordsOf(engine));
      if (version % SEALS_PER_CHECK === 0) check();
      return changes;
    },
    rollback(version) {
      const before = knownOf(state);
      const { doomed } = engine.keyspace.progress;
      store.rollback(version);
      state = readState();
      noteUndo(before, doomed, check());
      if (newestSealed > version) world.reached('a store goes back over a seal');
      newestSealed = version;
    },
    committed: (version) => store.committed(version),
    release(count) {
      const { reaped } = engine.keyspace;
      const before = reaped.keys;
      const hasMore = store.release(count);
      if (reaped.keys > before) world.reached('a key that is over is reaped');
      return hasMore;
    },
    undoBytes: () => store.undoBytes(),
    baseBytes: () => store.baseBytes(),
    base(position, maxBytes) {
      const slice = store.base(position, maxBytes);
      if (slice.next === undefined) world.reached('a sweep of a store comes to its end');
      return slice;
    },
    load() {
      const loader = store.load();
      const taken = new Set<string>();
      return {
        take(chunk) {
          loader.take(chunk);
          noteChunk(world, chunk, taken);
        },
        end(version) {
          loader.end(version);
          newestSealed = version;
          state = readState();
          check();
          if (engine.keyspace.progress.doomed > 0)
            world.reached('a store is loaded while a collection is being removed');
        },
      };
    },
    comeToRest() {
      const { contents, clock } = knownOf(state);
      const end = clock + Math.max(...[...contents.values()].map(({ deadline }) => deadline));
      const rest = (): boolean => engine.keyspace.deadlines === 0 && engine.keyspace.progress.doomed === 0;
      for (let rounds = 0; rounds === 0 || !rest(); rounds++) {
        assert.ok(rounds < MOST_ROUNDS, 'keys that are over and collections that were removed come to an end');
        apply([scan()], new Draft(contents, end), end);
        const changes = store.seal(++newestSealed);
        while (changes.next(Infinity) !== undefined);
        store.committed(newestSealed);
        while (store.release(1_000));
      }
      audit(engine.keyspace, NODE_BYTES);
    },
  };
}

/** A chunk is loaded after others. @param taken the records of these */
function noteChunk(world: StoreWorld, chunk: Uint8Array, taken: Set<string>): void {
  if (chunk.length === 0) return;
  world.reached('a store is loaded');
  readChunk(chunk, (view, at) => {
    const from = view.byteOffset + keyAt(view, at);
    const key = Buffer.from(view.buffer, from, keyLengthAt(view, at)).toString('latin1');
    const name = `${hiddenAt(view, at)} ${key}`;
    if (!taken.has(name)) taken.add(name);
    else if (isRemovedAt(view, at)) world.reached('a store that is loaded has a record taken out');
    else world.reached('a store that is loaded has a record replaced');
  });
}
