/** Clients of a fake Finder and a few fake workers. */
import { connect, type Cluster, type ConnectOptions, type SessionOptions } from '@dpr/client';
import { cleanUp } from './clean-up.ts';
import { answerZeros, cut, fakeFinder, fakeWorker, type FakeFinder, type FakeWorker } from './fake-cluster.ts';

/** To be called within a `describe`: what these open is closed after each of its tests. */
export function smallClusters() {
  const closing = cleanUp();

  async function clusterOf(workers: readonly FakeWorker[], options: Partial<ConnectOptions> = {}) {
    const finder: FakeFinder = closing(await fakeFinder());
    finder.members = workers.map(({ member }) => member);
    const cluster: Cluster = closing(await connect({ cluster: `ws://127.0.0.1:${finder.port}`, ...options }));
    return { finder, cluster };
  }

  async function oneWorker(options: Partial<ConnectOptions> = {}) {
    const worker = closing(await fakeWorker(0));
    return { worker, ...(await clusterOf([worker], options)) };
  }

  /** A session whose counter, worker 0, is connected in version 1, with operation 1 committed. */
  async function counterSession(options: SessionOptions = {}) {
    const { finder, worker, cluster } = await oneWorker({ membershipPollMs: 10 });
    const session = cluster.session(options);
    const counter = session.counter(0);
    const first = counter.get();
    const peer = await worker.accept();
    await answerZeros(peer, 1);
    peer.send(cut({ 0: 1 }));
    await first.committed;
    return { finder, session, counter, peer };
  }

  async function twoWorkers() {
    const workers = [closing(await fakeWorker(0)), closing(await fakeWorker(1))] as const;
    return { workers, ...(await clusterOf(workers)) };
  }

  return { closing, clusterOf, counterSession, oneWorker, twoWorkers };
}
