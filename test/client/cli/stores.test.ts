import { createStore } from '@dpr/store';
import assert from 'node:assert/strict';
import { answerBatch } from '../../store/answer-batch.ts';
import { cut, type fakeWorker } from '../fake-cluster.ts';
import { dpr, fakeClusters } from './dpr.ts';

type Worker = Awaited<ReturnType<typeof fakeWorker>>;

describe('dpr set, get and del', () => {
  const { withWorker } = fakeClusters();

  /** Runs commands against one store. */
  async function withStore() {
    const { worker, variables } = await withWorker({ type: 'store' });
    const state = createStore({ seed: [5, 6], maxBytes: 100_000_000, tableBits: 4 });
    return async (...words: readonly string[]) => {
      const run = dpr(words, variables);
      await serve(worker, words.includes('--commit'));
      return { exitCode: await run.exitCode, printed: run.printed, said: run.said };
    };

    async function serve(store: Worker, isCommitted: boolean): Promise<void> {
      const peer = await store.accept();
      await answerBatch(peer, state, () => 1_000);
      if (!isCommitted) return;
      await peer.next('commit');
      peer.send(cut({ 0: 1 }));
    }
  }

  const done = (...printed: readonly string[]) => ({ exitCode: 0, printed, said: [] });
  const failed = (text: string) => ({ exitCode: 1, printed: [], said: [`error: ${text}`] });

  it('write, read and delete keys of a store', async () => {
    const run = await withStore();
    assert.deepEqual(await run('set', '0', 'cart', 'two apples'), done('revision 1'));
    assert.deepEqual(await run('get', '0', 'cart'), done('two apples'));
    assert.deepEqual(await run('del', '0', 'cart', 'none'), done('1 of 2 deleted'));
    assert.deepEqual(await run('get', '0', 'cart'), failed("worker 0 has no key 'cart'"));
  });

  it('write only if the key is there, or is not', async () => {
    const run = await withStore();
    assert.deepEqual(await run('set', '0', 'lock', 'me', '--if-present'), failed("worker 0 has no key 'lock'"));
    assert.deepEqual(await run('set', '0', 'lock', 'me', '--if-absent'), done('revision 1'));
    const again = await run('set', '0', 'lock', 'you', '--if-absent');
    assert.deepEqual(again, failed("worker 0 has the key 'lock' already"));
  });

  it('print what they did as JSON, once it is committed if asked to', async () => {
    const run = await withStore();
    const json = async (...words: readonly string[]): Promise<unknown> => {
      const { exitCode, printed, said } = await run(...words, '--json');
      assert.deepEqual([exitCode, said], [0, []]);
      return JSON.parse(printed.join());
    };
    const written = await json('set', '0', 'k', 'v', '--ttl', '0.5', '--commit');
    assert.deepEqual(written, { worker: 0, key: 'k', revision: 1, committed: true });
    const found = { worker: 0, key: 'k', value: 'v', revision: 1, expiresAt: '1970-01-01T00:00:01.500Z' };
    assert.deepEqual(await json('get', '0', 'k'), found);
    assert.deepEqual(await json('del', '0', 'k', '--commit'), { worker: 0, deleted: 1, committed: true });
  });

  it('ask for the key of a store', async () => {
    const { variables } = await withWorker({ type: 'store' });
    const run = dpr(['get', '0'], variables);
    assert.equal(await run.exitCode, 2);
    assert.deepEqual(run.said, ["error: worker 0 is a store: name a key too, as in 'dpr get 0 KEY'"]);
  });

  for (const words of [
    ['set', '0', 'k', 'v', '--ttl', '0'],
    ['set', '0', 'k', 'v', '--if-absent', '--if-present'],
    ['set', '0', 'k'],
    ['del', '0'],
  ]) {
    it(`refuse dpr ${words.join(' ')}`, async () => {
      const run = dpr(words, { DPR_CLUSTER: 'ws://127.0.0.1:1' });
      assert.equal(await run.exitCode, 2);
    });
  }
});
