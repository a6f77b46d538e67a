import {
  counterType,
  DprError,
  defineWorkerType,
  limits,
  OverloadedError,
  ProtocolError,
  WrongTypeError,
  type FailedOperations,
  type Operation,
  type Outcome,
  type WorkerType,
} from '@dpr/client';
import { MAX_BATCH_BYTES, MAX_BATCH_OPERATIONS, type MessageOf } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { cut, fakeWorker, type FakePeer } from './fake-cluster.ts';
import { smallClusters } from './small-clusters.ts';
import { until } from './until.ts';

class RejectedWord extends Error {
  override readonly name = 'RejectedWord';
  readonly failed: Pick<FailedOperations<never>, 'worker' | 'indexes' | 'operations'>;
  readonly lengths: readonly number[];

  constructor(failed: FailedOperations<readonly number[]>) {
    super('the store does not take the word');
    this.failed = { worker: failed.worker, indexes: failed.indexes, operations: failed.operations };
    this.lengths = failed.read((lengths, index) => lengths[index] ?? NaN);
  }
}

/** An operation is the length of a word, and the word; a result the length of all words, one byte; 255: it was rejected. */
const SAY: Operation<string, number, readonly number[]> = {
  size: (word) => 4 + Buffer.byteLength(word),
  write(bytes, at, word) {
    const length = bytes.write(word, at + 4);
    bytes.writeUInt32LE(length, at);
    return at + 4 + length;
  },
  read: (lengths, index) => lengths[index] ?? NaN,
};

let decoded = 0;

const wordsType = defineWorkerType({
  name: 'words',
  decodeResults(results: Uint8Array, count: number): readonly number[] {
    decoded++;
    if (results.length !== count) throw new RangeError(`${results.length} results of ${count} operations`);
    return [...results];
  },
  failures: {
    find: (lengths) => lengths.flatMap((length, place) => (length === 255 ? [place] : [])),
    error: (failed) => new RejectedWord(failed),
  },
  methods: (calls) => ({ say: calls.one(SAY), sayAll: calls.many(SAY) }),
});

describe('a typed handle', () => {
  const { closing, clusterOf } = smallClusters();

  async function wordsWorker(type = 'words') {
    const worker = closing(await fakeWorker(2, { type }));
    const { cluster } = await clusterOf([worker]);
    return { worker, cluster };
  }

  async function answer(peer: FakePeer, results: readonly number[], version = 1): Promise<MessageOf<'batch'>> {
    const batch = await peer.next('batch');
    const { session, worldLine, sequence, count } = batch;
    const fields = { count, session, worldLine, sequence, version, incarnation: 1 };
    peer.send({ kind: 'reply', ...fields, results: Uint8Array.from(results) });
    return batch;
  }

  it('has the methods of its type, typed by their operations, and the id and type of its worker', async () => {
    const { cluster } = await wordsWorker();
    const session = cluster.session();
    const handle = session.worker(2, wordsType);
    const one: (word: string) => Outcome<number> = handle.say;
    const many: (words: readonly string[]) => Outcome<number[]> = handle.sayAll;
    assert.deepEqual(Object.keys(handle).sort(), ['id', 'say', 'sayAll', 'type']);
    assert.deepEqual([handle.id, handle.type, one, many], [2, 'words', handle.say, handle.sayAll]);
    assert.equal(session.worker(2, wordsType), handle);
    assert.notEqual(session.worker(3, wordsType), handle);
    assert.equal(session.worker(0, counterType), session.counter(0));
  });

  it('codes the calls of one tick into one batch, and decodes its results once', async () => {
    const { worker, cluster } = await wordsWorker();
    const words = cluster.session().worker(2, wordsType);
    decoded = 0;
    const calls = [words.say('one'), words.sayAll(['two', 'three']), words.say('')] as const;
    const peer = await worker.accept();
    const { operations, count } = await answer(peer, [3, 6, 11, 11]);
    assert.equal(count, 4);
    assert.deepEqual(
      Buffer.from(operations),
      Buffer.from('\x03\0\0\0one\x03\0\0\0two\x05\0\0\0three\0\0\0\0', 'latin1'),
    );
    assert.deepEqual(await Promise.all(calls), [3, [6, 11], 11]);
    assert.deepEqual(
      calls.map((call) => [call.operation, call.operations]),
      [
        [1, 1],
        [2, 2],
        [4, 1],
      ],
    );
    peer.send(cut({ 2: 1 }));
    assert.deepEqual(await Promise.all(calls.map((call) => call.committed)), [3, [6, 11], 11]);
    assert.equal(decoded, 1);
  });

  it('does not put operations of two definitions into one batch, although they name the same type', async () => {
    const { worker, cluster } = await wordsWorker();
    const session = cluster.session();
    const bytesType = defineWorkerType({
      name: 'words',
      methods: (calls) => ({ say: calls.one({ ...SAY, read: (results, index) => results[index] }) }),
    });
    const calls = [session.worker(2, wordsType).say('a'), session.worker(2, bytesType).say('b')] as const;
    const peer = await worker.accept();
    await answer(peer, [1]);
    await answer(peer, [255], 2);
    assert.deepEqual(await Promise.all(calls), [1, 255]);
  });

  it('rejects the calls whose operations failed, with the error of the type, and no others', async () => {
    const { worker, cluster } = await wordsWorker();
    const words = cluster.session().worker(2, wordsType);
    const calls = [words.say('a'), words.sayAll(['b', 'c', 'd']), words.say('e'), words.sayAll(['f'])] as const;
    const peer = await worker.accept();
    await answer(peer, [1, 1, 255, 255, 255, 4]);
    assert.equal(await calls[0], 1);
    await assert.rejects(calls[1], (error) => {
      assert.ok(error instanceof RejectedWord);
      assert.deepEqual(error.failed, { worker: 2, indexes: [1, 2], operations: [3, 4] });
      assert.deepEqual(error.lengths, [1, 255, 255]);
      return true;
    });
    await assert.rejects(calls[2], (error) => error instanceof RejectedWord && error.failed.operations[0] === 5);
    assert.deepEqual(await calls[3], [4]);
    peer.send(cut({ 2: 1 }));
    await assert.rejects(calls[2].committed, RejectedWord);
    assert.deepEqual(await calls[3].committed, [4]);
  });

  it('leaves it to a commit to tell of failures that the application does not look at', async () => {
    const { worker, cluster } = await wordsWorker();
    const session = cluster.session();
    const words = session.worker(2, wordsType);
    const looked = words.say('a');
    void words.sayAll(['b', 'c']);
    const rejected = assert.rejects(looked, RejectedWord);
    const committing = session.commit();
    const peer = await worker.accept();
    await answer(peer, [255, 1, 255]);
    await rejected;
    await assert.rejects(committing, (error) => {
      assert.ok(error instanceof RejectedWord);
      assert.deepEqual(error.failed, { worker: 2, indexes: [0], operations: [3] });
      assert.deepEqual(error.lengths, [255]);
      return true;
    });
    peer.send(cut({ 2: 1 }));
    await session.commit();
  });

  it('throws at once what the operation throws about an argument, and sends nothing of the call', async () => {
    const { worker, cluster } = await wordsWorker();
    const words = cluster.session().worker(2, wordsType);
    assert.throws(() => words.say(7 as unknown as string), TypeError);
    assert.throws(() => words.sayAll(['a', undefined as unknown as string]), TypeError);
    assert.throws(() => words.sayAll('abc' as unknown as string[]), /what is to be done is 'abc': give an array/);
    assert.throws(() => words.sayAll([]), /nothing to do: pass at least one operation for worker 2/);
    assert.throws(() => words.say('a', { sgnal: 1 } as object), /did you mean 'signal'/);
    await assert.rejects(async () => words.say('a', { signal: AbortSignal.abort(new Error('given up')) }), /given up/);
    const right = words.say('right');
    const peer = await worker.accept();
    assert.equal((await answer(peer, [5])).count, 1);
    assert.equal(await right, 5);
  });

  it('splits many operations of different sizes into batches', async () => {
    const { worker, cluster } = await wordsWorker();
    const words = cluster.session().worker(2, wordsType);
    const half = 'x'.repeat(MAX_BATCH_BYTES / 2 - 4);
    const large = words.sayAll([half, half, half, 'y']);
    const short = words.sayAll(Array.from({ length: MAX_BATCH_OPERATIONS }, () => ''));
    const peer = await worker.accept();
    const counts = [];
    for (const results of [
      [1, 2],
      [3, 4, ...new Array<number>(MAX_BATCH_OPERATIONS - 2).fill(7)],
      [8, 9],
    ]) {
      counts.push((await answer(peer, results, counts.length + 1)).count);
    }
    assert.deepEqual(counts, [2, MAX_BATCH_OPERATIONS, 2]);
    assert.deepEqual(await large, [1, 2, 3, 4]);
    const values = await short;
    assert.deepEqual([values.length, values[0], values.at(-3), values.at(-1)], [MAX_BATCH_OPERATIONS, 7, 7, 9]);
  });

  it('sends an operation as large as a batch, and refuses a larger one', async () => {
    const { worker, cluster } = await wordsWorker();
    const words = cluster.session().worker(2, wordsType);
    assert.equal(limits.MAX_OPERATION_BYTES, MAX_BATCH_BYTES);
    const largest = 'x'.repeat(limits.MAX_OPERATION_BYTES - 4);
    const refusal =
      /size in bytes of an operation of worker type 'words' is 4194305: give a whole number .* to 4194304/;
    assert.throws(() => words.say(`${largest}x`), refusal);
    assert.throws(() => words.sayAll(['a', `${largest}x`]), refusal);
    const sent = words.say(largest);
    const peer = await worker.accept();
    assert.equal((await answer(peer, [1])).operations.length, MAX_BATCH_BYTES);
    assert.equal(await sent, 1);
  });

  it('refuses more than the session holds, as the raw handle does', async () => {
    const { cluster } = await wordsWorker();
    const words = cluster.session({ maxUncommittedOperations: 1, whenFull: 'reject' }).worker(2, wordsType);
    void words.say('a').catch(() => undefined);
    await assert.rejects(words.say('b'), OverloadedError);
    await assert.rejects(words.sayAll(['b']), OverloadedError);
  });

  it('rejects with WrongTypeError at a worker of another type', async () => {
    const { cluster } = await wordsWorker('kv');
    await assert.rejects(cluster.session().worker(2, wordsType).say('a'), (error) => {
      assert.ok(error instanceof WrongTypeError);
      assert.equal(error.message, "worker 2 is of type 'kv', not 'words'");
      return true;
    });
  });
});

describe('a worker type with a mistake', () => {
  const { closing, clusterOf } = smallClusters();

  /** What calls reject with if the worker answers a batch of two operations with these bytes. */
  async function answered(type: Pick<WorkerType<object>, 'decodeResults' | 'failures'>, results = Uint8Array.of(1, 2)) {
    const worker = closing(await fakeWorker(2, { type: 'kv' }));
    const { cluster } = await clusterOf([worker]);
    const session = cluster.session();
    const operation: Operation<number, number | undefined> = {
      size: 1,
      write: (bytes, at, argument) => bytes.writeUInt8(argument, at),
      read: (bytes, index) => bytes[index],
    };
    const own: WorkerType<{ one: (argument: number) => Outcome<number | undefined> }> = {
      ...{ name: 'kv', ...type },
      methods: (calls) => ({ one: calls.one(operation) }),
    };
    const handle = session.worker(2, own);
    const calls = [handle.one(1), handle.one(2)];
    const peer = await worker.accept();
    const batch = await peer.next('batch');
    const { worldLine, sequence, count } = batch;
    const fields = { session: session.id, worldLine, sequence, count, incarnation: 1, version: 1 };
    peer.send({ kind: 'reply', ...fields, results });
    const outcomes = await Promise.allSettled(calls);
    peer.send(cut({ 2: 1 }));
    await until(() => session.uncommitted.operations === 0);
    await session.commit(); // the application looked
    return outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : (outcome.reason as unknown)));
  }

  it('is told of results that are none, as the fault of the worker', async () => {
    const [first, second] = await answered({
      decodeResults() {
        throw new RangeError('one byte is missing');
      },
    });
    assert.ok(first instanceof ProtocolError);
    assert.equal(first.message, "worker 2 of type 'kv' answered wrongly: RangeError: one byte is missing");
    assert.equal(second, first);
  });

  it('is told that its decoder gave nothing, or places that are none', async () => {
    const nothing = { decodeResults: () => undefined as unknown as Uint8Array };
    const [undecoded] = await answered(nothing);
    assert.match(String(undecoded), /'decodeResults' gave nothing/);
    for (const places of [[2], [-1], [0.5], [1, 0], [0, 0]]) {
      const [wrong] = await answered({ failures: { find: () => places, error: () => new Error('failed') } });
      assert.ok(wrong instanceof DprError);
      assert.match(wrong.message, /'failures\.find' gave .* places of 2 operations rise from 0/);
    }
  });

  it('rejects with what its error function throws, and with a TypeError if that gives no error', async () => {
    const throws = {
      find: () => [1],
      error() {
        throw new Error('thrown');
      },
    };
    const [right, thrown] = await answered({ failures: throws });
    assert.equal(right, 1);
    assert.equal(String(thrown), 'Error: thrown');
    const [, none] = await answered({ failures: { find: () => [1], error: () => 'text' as unknown as Error } });
    assert.equal(String(none), "TypeError: 'failures.error' of worker type 'kv' gave no Error");
  });

  it('is told which of its parts is missing or wrong, where it is defined and where it is used', async () => {
    const right = { name: 'kv', methods: () => ({}) };
    const wrong: [unknown, RegExp][] = [
      [undefined, /^the worker type is undefined: give an object/],
      [{ ...right, name: '' }, /^the worker type's name is '': give its name in the stack's config/],
      [{ ...right, methods: {} }, /^'methods' of worker type 'kv' is an object: give a function/],
      [{ ...right, decodeResults: 1 }, /^'decodeResults' of worker type 'kv' is 1: give a function/],
      [{ ...right, failures: 1 }, /^'failures' of worker type 'kv' is 1: give an object/],
      [{ ...right, failures: { error: right.methods } }, /^'find' of worker type 'kv' is undefined: give a function/],
      [{ ...right, failures: { find: right.methods } }, /^'error' of worker type 'kv' is undefined: give a function/],
    ];
    const { cluster } = await clusterOf([]);
    const session = cluster.session();
    for (const [type, message] of wrong) {
      assert.throws(() => defineWorkerType(type as WorkerType<object>), { name: 'TypeError', message });
      if (type !== undefined) {
        assert.throws(() => session.worker(0, type as WorkerType<object>), { name: 'TypeError', message });
      }
    }
    const idle = { ...right, methods: () => undefined as unknown as object };
    assert.throws(
      () => session.worker(0, idle),
      /what 'methods' of worker type 'kv' gave is undefined: give an object/,
    );
    assert.throws(() => session.worker(-1, right), /a worker's id is -1/);
  });

  it('is told of a size that is none, and of a write that ends elsewhere, and nothing is sent', async () => {
    const worker = closing(await fakeWorker(2, { type: 'kv' }));
    const { cluster } = await clusterOf([worker]);
    const session = cluster.session();
    const write = (bytes: Buffer, at: number) => bytes.writeUInt8(1, at);
    const read = () => 0;
    const type = defineWorkerType({
      name: 'kv',
      methods: (calls) => {
        const long = { size: 2, write, read };
        const sizeless = { size: (size: number) => size, write, read };
        return {
          long: calls.one(long),
          longAll: calls.many(long),
          longList: calls.list({ ...long, create: () => [] }),
          one: calls.one(sizeless),
          nested: calls.one({
            ...{ size: 1, read },
            write(bytes: Buffer, at: number, argument: number) {
              void session.worker(2, type).one(argument);
              return write(bytes, at);
            },
          }),
          list: () => calls.list({ ...long, size: 0.5, create: () => [] }),
        };
      },
    });
    const handle = session.worker(2, type);
    const ends = /^RangeError: 'write' of worker type 'kv' returned an end that makes 1 bytes, and 'size' said 2/;
    for (const call of [() => handle.long(1), () => handle.longAll([1]), () => handle.longList([1])]) {
      assert.throws(call, ends);
    }
    for (const size of [NaN, -1, 0.5, limits.MAX_OPERATION_BYTES + 1]) {
      assert.throws(() => handle.one(size), { name: 'RangeError', message: /^the size in bytes of an operation of/ });
    }
    assert.throws(() => handle.list(), RangeError);
    assert.throws(() => handle.nested(1), /make no other call meanwhile/);
    const peer = await worker.accept();
    assert.equal((await peer.next('batch')).count, 1); // the nested call alone
  });
});
