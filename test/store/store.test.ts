import { type IncrementalState, MAX_BATCH_BYTES, MAX_BATCH_OPERATIONS } from '@dpr/runtime';
import { createStore, storeWorker } from '@dpr/store';
import { createEngine } from '@dpr/store/engine';
import {
  type Found,
  MAX_VALUE_BYTES,
  readDone,
  readFound,
  readRevision,
  readStatus,
  readSum,
  STATUS,
} from '@dpr/store/operations';
import assert from 'node:assert/strict';
import { createRandom, type Random } from '../simulation/random.ts';
import { apply, get, increment, remove, set } from './calls.ts';

const OPTIONS = { seed: [3, 4], maxBytes: 2 ** 30, tableBits: 4 } as const;
const MAX = 2n ** 63n - 1n;
const KEYS = ['', 'a', 'b', 'counter', 'ü'];
const NUMBERS = [
  '0',
  '7',
  '-1',
  '-0',
  '007',
  '',
  '-',
  '1.5',
  ' 1',
  '1 ',
  '+1',
  `${MAX}`,
  `${-MAX - 1n}`,
  `${MAX + 1n}`,
];
const AMOUNTS = [0n, 1n, -1n, 1000n, MAX, -MAX - 1n, 2n ** 53n, -(2n ** 53n)];

type Entry = { value: string; revision: number; deadline: number };

function text(found: Found | undefined): string | undefined {
  return found && Buffer.from(found.value).toString();
}

/** A store as it should be, in the plainest way. */
class PlainStore {
  readonly #entries = new Map<string, Entry>();
  #revision = 1;
  now = 0;

  entry(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    return entry === undefined || (entry.deadline > 0 && entry.deadline <= this.now) ? undefined : entry;
  }

  write(key: string, value: string, deadline: number): number {
    const revision = this.#revision++;
    this.#entries.set(key, { value, revision, deadline });
    return revision;
  }

  remove(key: string): void {
    this.#entries.delete(key);
    this.#revision++;
  }
}

/** A random operation with what is to be checked of its result. */
function draw(
  random: Random,
  plain: PlainStore,
): { operation: Buffer; check: (results: ReturnType<typeof apply>, index: number) => void } {
  const key = random.pick(KEYS);
  const entry = plain.entry(key);
  const ifRevision = random.chance(0.2) ? Math.max(1, (entry?.revision ?? 1) - random.int(0, 1)) : undefined;
  const isWrong = ifRevision !== undefined && entry?.revision !== ifRevision;
  const kind = random.pick(['get', 'set', 'delete', 'increment']);
  if (kind === 'get') {
    const expected = entry && { value: entry.value, revision: entry.revision, deadline: entry.deadline || undefined };
    const check = (results: ReturnType<typeof apply>, index: number) => {
      const found = readFound(results, index);
      assert.deepEqual(found && { value: text(found), revision: found.revision, deadline: found.expiresAt }, expected);
    };
    return { operation: get(key), check };
  }
  if (kind === 'set') {
    const [ifAbsent, ifPresent] = [random.chance(0.2), random.chance(0.2)];
    const timeToLiveMs = random.chance(0.3) ? random.int(1, 50) : undefined;
    const value = random.pick(NUMBERS);
    const isMet = !isWrong && !(ifAbsent && entry !== undefined) && !(ifPresent && entry === undefined);
    const deadline = timeToLiveMs === undefined ? 0 : plain.now + timeToLiveMs;
    const expected = isMet ? plain.write(key, value, deadline) : undefined;
    return {
      operation: set(key, value, { ifAbsent, ifPresent, ifRevision, timeToLiveMs }),
      check: (results, index) => assert.equal(readRevision(results, index), expected),
    };
  }
  if (kind === 'delete') {
    const isDone = entry !== undefined && !isWrong;
    if (isDone) plain.remove(key);
    const status = entry === undefined ? STATUS.absent : isWrong ? STATUS.unmet : STATUS.done;
    const check = (results: ReturnType<typeof apply>, index: number) => {
      assert.equal(readDone(results, index), isDone);
      assert.equal(readStatus(results, index), status);
    };
    return { operation: remove(key, { ifRevision }), check };
  }
  const amount = random.pick(AMOUNTS);
  const value = entry?.value ?? '0';
  const isNumber = /^(0|-?[1-9]\d*)$/.test(value) && BigInt.asIntN(64, BigInt(value)) === BigInt(value);
  const sum = isNumber ? BigInt(value) + amount : 0n;
  const fits = BigInt.asIntN(64, sum) === sum;
  if (isNumber && fits) plain.write(key, `${sum}`, entry?.deadline ?? 0);
  return {
    operation: increment(key, amount),
    check(results, index) {
      const status = !isNumber ? STATUS.notNumber : fits ? STATUS.done : STATUS.overflow;
      assert.equal(readStatus(results, index), status);
      assert.equal(readSum(results, index), status === STATUS.done ? sum : 0n);
    },
  };
}

describe('a store', () => {
  it('answers as the plainest store does, whatever is asked, and whatever its clock says', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const random = createRandom(seed);
      const tried = createStore(OPTIONS);
      const plain = new PlainStore();
      for (let batch = 0; batch < 300; batch++) {
        const now = plain.now + random.int(-20, 20);
        plain.now = Math.max(plain.now, now);
        const drawn = Array.from({ length: random.int(1, 20) }, () => draw(random, plain));
        const results = apply(
          tried,
          drawn.map(({ operation }) => operation),
          now,
        );
        for (const [index, { check }] of drawn.entries()) check(results, index);
        if (random.chance(0.1)) tried.seal(batch + 1);
        if (random.chance(0.1)) tried.committed(batch);
        if (random.chance(0.3)) tried.release(20);
      }
    }
  });

  it('answers the largest batches within the limit of a reply, and leaves out values that do not fit', () => {
    const tried = createStore(OPTIONS);
    const value = 'v'.repeat(MAX_VALUE_BYTES);
    apply(tried, [set('large', value), set('small', 'x')]);
    const gets = [get('large'), ...Array.from({ length: MAX_BATCH_OPERATIONS - 1 }, () => increment('n', 1n))];
    const crowded = tried.apply(Buffer.concat(gets), gets.length, 0);
    assert.ok(crowded.length <= MAX_BATCH_BYTES);
    const two = apply(tried, [get('large'), get('small'), get('large'), get('small')]);
    assert.deepEqual(
      [0, 1, 2, 3].map((index) => readStatus(two, index)),
      [STATUS.done, STATUS.done, STATUS.tooLarge, STATUS.done],
    );
    assert.ok(two.bytes.length <= MAX_BATCH_BYTES);
    assert.equal(text(readFound(apply(tried, [get('large')]), 0)), value);
  });

  it('refuses writes for which there is no memory, and takes them again when there is', () => {
    const tried = createStore({ ...OPTIONS, maxBytes: 200_000 });
    const value = 'v'.repeat(150_000);
    const results = apply(tried, [set('a', value), set('b', value), increment('n', 1n), get('a')]);
    assert.equal(readStatus(results, 1), STATUS.full);
    assert.equal(readStatus(results, 0), STATUS.done);
    assert.equal(text(readFound(results, 3)), value);
    apply(tried, [remove('a')]);
    tried.seal(1);
    tried.committed(1);
    while (tried.release(10));
    assert.equal(readStatus(apply(tried, [set('b', value)]), 0), STATUS.done);
  });

  it('says that it is full to an increment too', () => {
    const tried = createStore({ ...OPTIONS, maxBytes: 0 });
    assert.equal(readStatus(apply(tried, [increment('n', 1n)]), 0), STATUS.full);
  });

  it('is a worker type with a secret of its own in each process', () => {
    assert.equal(storeWorker({}).type.name, 'store');
    const state = create(2 ** 30);
    assert.ok('seal' in state);
    assert.equal(readSum(apply(state, [increment('n', 2n ** 60n)]), 0), 2n ** 60n);
  });

  it('takes at most half of the memory that the process may use', () => {
    const { memoryBytes } = createEngine({ seed: [3, 4], maxBytes: 0 }).keyspace;
    const isFull = (available: number) => readStatus(apply(create(available), [increment('n', 1n)]), 0) === STATUS.full;
    assert.equal(isFull(2 * memoryBytes), true);
    assert.equal(isFull(2 * memoryBytes + 128), false);
  });
});

function create(memoryBytes: number) {
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  const metrics = { gauge: () => undefined, total: () => undefined };
  return storeWorker({}).type.create({ directory: '/nowhere', log, memoryBytes, metrics }) as IncrementalState;
}
