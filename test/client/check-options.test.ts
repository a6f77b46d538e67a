import { connect, connectOperator, type Cluster, type ConnectOptions, type SessionOptions } from '@dpr/client';
import { MAX_WORKER_ID } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { smallClusters } from './small-clusters.ts';

/** As a program writes it that no type checker has seen. */
function untyped(value: unknown): never {
  return value as never;
}

const ADDRESS = 'ws://127.0.0.1:1';

describe('what an application gives', () => {
  const { oneWorker } = smallClusters();
  let cluster: Cluster;
  beforeEach(async () => ({ cluster } = await oneWorker()));

  const SESSIONS: [unknown, typeof TypeError | typeof RangeError, string][] = [
    [{ mode: 'stict' }, TypeError, "the session option 'mode' is 'stict': give 'strict' or 'relaxed'"],
    [{ whenFull: 'throw' }, TypeError, "the session option 'whenFull' is 'throw': give 'wait' or 'reject'"],
    [{ replay: 'yes' }, TypeError, "the session option 'replay' is 'yes': give true or false"],
    [{ onRollback: {} }, TypeError, "the session option 'onRollback' is an object: give a function"],
    ...[-1, 0, 1.5, NaN, '5'].map((value): [unknown, typeof RangeError, string] => [
      { maxUncommittedOperations: value },
      RangeError,
      `the session option 'maxUncommittedOperations' is ${typeof value === 'string' ? `'${value}'` : value}: give a whole number from 1 on, or Infinity`,
    ]),
    [
      { maxUncommittedBytes: -1 },
      RangeError,
      "the session option 'maxUncommittedBytes' is -1: give a whole number from 1 on, or Infinity",
    ],
    [{ reply: true }, TypeError, "there is no session option 'reply': did you mean 'replay'?"],
    [{ MODE: 'strict' }, TypeError, "there is no session option 'MODE': did you mean 'mode'?"],
    [
      { color: 'red' },
      TypeError,
      "there is no session option 'color': it may be mode, replay, onRollback, whenFull, maxUncommittedOperations, maxUncommittedBytes",
    ],
    ['strict', TypeError, "the session options are 'strict': give a plain object"],
    [null, TypeError, 'the session options are null: give a plain object'],
    [['strict'], TypeError, 'the session options are an array: give a plain object'],
    [new Map([['mode', 'strict']]), TypeError, 'the session options are an object: give a plain object'],
    [Object.create({ mode: 'stict' }), TypeError, 'the session options are an object: give a plain object'],
  ];
  for (const [options, fault, message] of SESSIONS) {
    it(`is refused where a session begins: ${message}`, () => {
      assert.throws(() => cluster.session(untyped(options)), refusal(fault, message));
    });
  }

  it('is taken where it is right, and where it is not given', () => {
    const all: Required<SessionOptions> = {
      mode: 'relaxed',
      replay: false,
      onRollback: () => undefined,
      whenFull: 'wait',
      maxUncommittedOperations: 1,
      maxUncommittedBytes: Infinity,
    };
    assert.equal(cluster.session(all).mode, 'relaxed');
    const none = Object.fromEntries(Object.keys(all).map((name) => [name, undefined]));
    assert.equal(cluster.session(none).mode, 'strict');
  });

  it('is refused where a worker is named', () => {
    const session = cluster.session();
    for (const id of [-1, MAX_WORKER_ID + 1, 0.5, '0']) {
      const expected = refusal(RangeError, /^a worker's id is .*: give a whole number from 0 to 65535$/);
      assert.throws(() => session.counter(untyped(id)), expected);
      assert.throws(() => session.worker(untyped(id), 'kv'), expected);
    }
    for (const type of ['', undefined, 'x'.repeat(64)]) {
      const expected = /^TypeError: a worker's type is .*: give its name in the stack's config, 1 to 63 bytes$/;
      assert.throws(() => session.worker(0, untyped(type)), expected);
    }
    assert.equal(session.worker(MAX_WORKER_ID, 'x'.repeat(63)).id, MAX_WORKER_ID);
  });

  it('is refused where it is to be added or sent', () => {
    const session = cluster.session();
    const counter = session.counter(0);
    const wrong = "an amount is a number or a bigint, not the string '5'";
    assert.throws(() => counter.add(untyped('5')), refusal(TypeError, wrong));
    assert.throws(() => counter.addAll(untyped([1, '5'])), refusal(TypeError, wrong));
    assert.throws(
      () => counter.add(untyped(null)),
      refusal(TypeError, 'an amount is a number or a bigint, not object'),
    );
    const many = /^what is to be added is '123': give a BigInt64Array, or an array of numbers or bigints$/;
    assert.throws(() => counter.addAll(untyped('123')), refusal(TypeError, many));
    const handle = session.worker(0, 'counter');
    const bytes = /^what is to be sent is 'abc': give a Uint8Array with operations as the worker type codes them$/;
    assert.throws(() => handle.call(untyped('abc'), 1), refusal(TypeError, bytes));
    assert.throws(() => handle.call(new Uint8Array(8), untyped('1')), refusal(RangeError, /'1': give a whole/));
    assert.deepEqual(session.uncommitted, { operations: 0, bytes: 0 });
  });

  it('is refused where a call has options', async () => {
    const session = cluster.session();
    const counter = session.counter(0);
    const index = refusal(TypeError, 'the call options are 0: give a plain object');
    assert.throws(() => counter.add(1, untyped(0)), index, 'as of map, which gives more than the item');
    const bare = refusal(TypeError, 'the call options are an object: give a plain object');
    assert.throws(() => counter.add(1, untyped(new AbortController().signal)), bare, 'it would never stop waiting');
    await assert.rejects(session.commit(untyped(new AbortController().signal)), bare);
    const timeout = refusal(TypeError, /^there is no call option 'timeout': it may be signal$/);
    assert.throws(() => counter.get(untyped({ timeout: 5 })), timeout);
    assert.throws(() => session.worker(0, 'counter').call(new Uint8Array(8), 1, untyped({ timeout: 5 })), timeout);
    await assert.rejects(session.commit(untyped({ timeout: 5 })), timeout);
    await assert.rejects(session.ready(untyped({ timeout: 5 })), timeout);
    const signal = refusal(TypeError, /^the call option 'signal' is 5: give an AbortSignal/);
    assert.throws(() => counter.add(1, untyped({ signal: 5 })), signal);
    assert.throws(() => session.onRollback(untyped(undefined)), refusal(TypeError, /^the listener is undefined/));
  });

  it('is refused where it connects, without a word of what is secret', async () => {
    const wrong: [Record<string, unknown>, typeof TypeError | typeof RangeError, string | RegExp][] = [
      [
        { cluster: undefined },
        TypeError,
        "the OPTIONS option 'cluster' is missing: give the address of the Finder's public port, such as 'ws://localhost:6379'",
      ],
      [
        { cluster: 6379 },
        TypeError,
        /^the OPTIONS option 'cluster' is 6379: give the address of the Finder's public port/,
      ],
      [{ tocken: 'x' }, TypeError, "there is no OPTIONS option 'tocken': did you mean 'token'?"],
      [{ token: 123_456 }, TypeError, "the OPTIONS option 'token' is of type number: give a string"],
      [{ ca: ['PEM'] }, TypeError, "the OPTIONS option 'ca' is of type object: give a string"],
      [{ signal: true }, TypeError, /^the OPTIONS option 'signal' is true: give an AbortSignal/],
      [{ log: console }, TypeError, "the OPTIONS option 'log' is an object: give a function"],
      [
        { connectTimeoutMs: '5' },
        RangeError,
        /^the OPTIONS option 'connectTimeoutMs' is '5': give milliseconds above 0/,
      ],
      [{ attemptTimeoutMs: 0 }, RangeError, /^the OPTIONS option 'attemptTimeoutMs' is 0: give milliseconds above 0/],
    ];
    for (const [options, fault, message] of wrong) {
      const told = (whose: string) =>
        refusal(
          fault,
          typeof message === 'string'
            ? message.replace('OPTIONS', whose)
            : new RegExp(message.source.replace('OPTIONS', whose)),
        );
      await assert.rejects(
        connect(untyped({ cluster: ADDRESS, ...options } satisfies Partial<Record<keyof ConnectOptions, unknown>>)),
        told('connect'),
      );
      await assert.rejects(connectOperator(untyped({ cluster: ADDRESS, ...options })), told('operator'));
    }
    await assert.rejects(connect(untyped({})), /^TypeError: the connect option 'cluster' is missing/);
    const polled = connectOperator(untyped({ cluster: ADDRESS, membershipPollMs: 5 }));
    await assert.rejects(polled, /^TypeError: there is no operator option 'membershipPollMs': it may be cluster/);
    const control = connectOperator(untyped({ cluster: ADDRESS, controlToken: 1 }));
    await assert.rejects(control, /^TypeError: the operator option 'controlToken' is of type number/);
  });
});

function refusal(fault: typeof TypeError | typeof RangeError, message: string | RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof fault, String(error));
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  };
}
