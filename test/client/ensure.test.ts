import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { idRanges } from '../../infra/plan/declaration-arguments.ts';
import { parseDeclaration, parseIds } from '../../services/client/operator/parse-declaration.ts';
import { EnsureError, ensureMembership, type EnsureOptions } from '../../services/client/operator/ensure.ts';
import { ingressBehind } from '../../services/client/operator/ingress-version.ts';
import type { ClusterStatus, Operator, WorkerStatus } from '../../services/client/operator/operator.ts';
import { countAbortListeners } from '../abort-listeners.ts';

const worker = (id: number, state: WorkerStatus['state'] = 'serving', type = 'counter'): WorkerStatus => ({
  id,
  type,
  state,
  generation: 1,
  incarnation: 1,
  host: '',
  port: 6380 + id,
  address: `ws://cluster:${6380 + id}`,
  waitingFor: '',
  blockedBy: '',
  executed: 0,
  durable: 0,
  committed: 0,
  allCommitted: false,
  committedAgoMs: undefined,
  durableAgoMs: undefined,
  lagOperations: 7,
  lagMs: 0,
  restarts: 0,
  silentMs: 0,
});

/** For what is to fail in the end: two looks at the cluster. */
const FAILING = { timeoutMs: 400 };

type Asked = { readonly id: number; readonly force: boolean | undefined };

/** A Finder whose members change each time that it is asked for them; the last picture stays. */
function operatorOf(pictures: readonly (readonly WorkerStatus[])[], undecided: ClusterStatus['undecided'] = []) {
  const left = [...pictures];
  const asked: Asked[] = [];
  const operator: Pick<Operator, 'status' | 'deleteWorker'> = {
    status() {
      const workers = (left.length > 1 ? left.shift() : left[0]) ?? [];
      return Promise.resolve({ cluster: 'c', worldLine: 1, membership: 1, workers, removed: 0, undecided });
    },
    deleteWorker(id, { force } = {}) {
      asked.push({ id, force });
      return Promise.resolve(
        force === true ? { state: 'left', waitingFor: '' } : { state: 'leaving', waitingFor: 'its checkpoint' },
      );
    },
  };
  return { operator: operator as Operator, asked };
}

function ensure(operator: Operator, words: string[], options: Partial<EnsureOptions> = {}) {
  const said: string[] = [];
  const done = ensureMembership(operator, {
    declared: parseDeclaration(words),
    removeOthers: true,
    forced: new Set(),
    timeoutMs: 10_000,
    unreachable: () => Promise.resolve(undefined),
    ingress: () => Promise.resolve(undefined),
    say: (text) => said.push(text),
    signal: AbortSignal.timeout(10_000),
    ...options,
  });
  return { done, said };
}

const fails = (done: Promise<void>, message: RegExp) => assert.rejects(done, { name: 'EnsureError', message });

describe('a declared membership', () => {
  it('is there once every declared worker serves, at once where it does', async () => {
    const { operator, asked } = operatorOf([[worker(0), worker(1)]]);
    await ensure(operator, ['counter:0-1']).done;
    assert.deepEqual(asked, []);
  });

  it('is waited for while workers join, and it says for whom', async () => {
    const { operator } = operatorOf([[], [worker(0, 'joining')], [worker(0)]]);
    const { done, said } = ensure(operator, ['counter:0']);
    await done;
    assert.deepEqual(said, [
      'waiting: worker 0 (counter) has not joined (one that left before joins in a new pod only)',
      'waiting: worker 0 (counter) is joining',
    ]);
  });

  it('is waited for no longer than it may take, also while the Finder does not answer', async () => {
    const never = <T>(signal?: AbortSignal) =>
      new Promise<T>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)));
    const { operator } = operatorOf([[worker(0), worker(5)]]);
    for (const silent of [
      { ...operator, status: ({ signal } = {}) => never(signal) },
      { ...operator, deleteWorker: (_, { signal } = {}) => never(signal) },
    ] satisfies Operator[]) {
      const { done } = ensure(silent, ['counter:0'], { timeoutMs: 50 });
      await fails(done, /^the cluster is not as declared after 0\.05 s: the Finder does not answer$/);
    }
    const interrupt = new AbortController();
    const { done } = ensure({ ...operator, status: ({ signal } = {}) => never(signal) }, [], {
      signal: interrupt.signal,
    });
    interrupt.abort(new Error('enough'));
    await assert.rejects(done, /^Error: enough$/);
  });

  it('asks every other worker to leave, and waits until it left', async () => {
    const { operator, asked } = operatorOf([[worker(0), worker(4)], [worker(0), worker(4, 'leaving')], [worker(0)]]);
    const { done, said } = ensure(operator, ['counter:0']);
    await done;
    assert.deepEqual(said, ['waiting: worker 4 (counter) is leaving, and waits for its checkpoint']);
    assert.deepEqual(
      asked.map(({ id, force }) => [id, force]),
      [
        [4, false],
        [4, false],
      ],
    );
  });

  it('leaves others alone unless their removal is asked for, and is not there then', async () => {
    const { operator, asked } = operatorOf([[], [worker(0), worker(4), worker(5, 'away')]]);
    const { done, said } = ensure(operator, ['counter:0'], { removeOthers: false });
    await fails(
      done,
      /^the declared workers serve, and others are members too, which stay: worker 4 \(counter\); 5 \(counter\)\. --remove-others/,
    );
    assert.equal(said.length, 1);
    await fails(
      ensure(operator, [], { removeOthers: false }).done,
      /others are members too, .*: worker 0 \(counter\); 4/,
    );
    assert.deepEqual(asked, []);
  });

  it('never is there while a declared worker waits for a word, and says which', async () => {
    const waiting = operatorOf([[worker(0)]], [{ id: 1, text: 'worker 1 was removed: write state: kept' }]);
    await fails(ensure(waiting.operator, ['counter:0-1']).done, /^worker 1 was removed: write state: kept$/);
    await ensure(waiting.operator, ['counter:0']).done;
  });

  it('does not lose the work of a dead worker unless asked to: it names the worker, the switch and the loss', async () => {
    const { operator } = operatorOf([[worker(0), worker(3, 'away')]]);
    await fails(
      ensure(operator, ['counter:0'], FAILING).done,
      /^worker 3 \(counter\) is no longer declared, and it is away, .* dpr:forceRemove \[3\]: .*lost \(7 operations/,
    );
  });

  it('forces a dead worker out where asked to, and never a living one', async () => {
    const dead = operatorOf([[worker(3, 'away')], []]);
    await ensure(dead.operator, [], { forced: new Set([3]) }).done;
    assert.deepEqual(dead.asked, [{ id: 3, force: true }]);
    const asked = operatorOf([[{ ...worker(3, 'away'), waitingFor: 'itself' }], []]); // to leave, by an earlier deployment
    await ensure(asked.operator, [], { forced: new Set([3]) }).done;
    assert.deepEqual(asked.asked, [{ id: 3, force: true }]);
    const alive = operatorOf([[worker(3)], []]);
    await ensure(alive.operator, [], { forced: new Set([3]) }).done;
    assert.deepEqual(alive.asked, [{ id: 3, force: false }]);
  });

  it('is asked for without leaving anything behind at the signal that ends it', async () => {
    const strays = Array.from({ length: 30 }, (_, index) => worker(index + 1));
    const { operator } = operatorOf([[worker(0), ...strays], [worker(0)]]);
    const { signal } = new AbortController();
    const counted = await countAbortListeners(() => ensure(operator, ['counter:0'], { signal }).done);
    assert.ok(counted.most <= 2, `${counted.most} listeners at one signal after 32 questions`);
    assert.equal(counted.combined, 0);
  });

  it('is not there while a worker cannot be reached, or is of another type', async () => {
    const { operator } = operatorOf([[worker(0), worker(1)]]);
    const unreachable = ({ id }: WorkerStatus) => Promise.resolve(id === 1 ? 'connection refused' : undefined);
    await fails(
      ensure(operator, ['counter:0-1'], { ...FAILING, unreachable }).done,
      /^the cluster is not as declared after 0.4 s: worker 1 does not answer at ws:\/\/cluster:6381: connection refused$/,
    );
    await fails(
      ensure(operatorOf([[worker(0)]]).operator, ['kv:0'], FAILING).done,
      /: worker 0 is of type counter, not kv$/,
    );
  });

  it('is not there while the ingress is behind, and never where NGINX refuses its configuration', async () => {
    const server = createServer((_request, response) => response.end(JSON.stringify(answer)));
    let answer: object = {};
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      assert.equal(await ingressBehind(address, 'b'), 'the ingress serves configuration none, not yet b');
      answer = { serving: 'a', refused: { version: 'x', reason: 'old' } };
      assert.equal(await ingressBehind(address, 'b'), 'the ingress serves configuration a, not yet b');
      answer = { serving: 'b' };
      assert.equal(await ingressBehind(address, 'b'), undefined);
      answer = { serving: 'a', refused: { version: 'b', reason: 'host not found' } };
      await assert.rejects(ingressBehind(address, 'b'), (error) => {
        assert.ok(error instanceof EnsureError);
        assert.match(error.message, /^NGINX refuses .* and serves the old one: host not found$/);
        return true;
      });
    } finally {
      server.closeAllConnections();
      server.close();
    }
    assert.match((await ingressBehind(address, 'b')) ?? '', /^the ingress does not tell what it serves/);
  });
});

describe('the words of a declaration', () => {
  it('are read as the plan writes them', () => {
    const property = fc.property(fc.uniqueArray(fc.nat({ max: 65_535 }), { minLength: 1 }), (ids) => {
      assert.deepEqual(
        parseIds(idRanges(ids)),
        [...ids].sort((a, b) => a - b),
      );
    });
    fc.assert(property);
  });

  for (const [words, says] of [
    [['counter'], /^'counter' should be like counter:0-4,7$/],
    [['counter:4-0'], /^'4-0' should be a worker's id/],
    [['counter:70000'], /^'70000' should be a worker's id up to 65535/],
    [['counter:0-4', 'kv:4'], /^worker 4 is declared twice: as counter and as kv$/],
  ] as const) {
    it(`are refused as ${words.join(' ')}`, () => {
      assert.throws(() => parseDeclaration(words), { name: 'RangeError', message: says });
    });
  }
});
