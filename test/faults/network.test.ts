import assert from 'node:assert/strict';
import type { Session } from '@dpr/client';
import { createRandom, type Random } from '../simulation/random.ts';
import { openProxy, type Proxy } from './proxy.ts';
import { cleanUp, onCleanUp, startSite, within, type Site } from './harness.ts';

const STEP = 300;
/** Rounds that are in flight together. */
const PIPELINED = 5;

/** What can happen to connections; after each, a new connection works again. */
const FAULTS: Readonly<Record<string, (proxy: Proxy, random: Random) => void>> = {
  'cut on the way up': (proxy, random) => proxy.cutAfter('up', random.int(1, 400)),
  'cut on the way down': (proxy, random) => proxy.cutAfter('down', random.int(1, 400)),
  reset: (proxy) => proxy.reset(),
  late: (proxy, random) => proxy.delay(random.int(1, 20)),
  'half-open': (proxy) => proxy.stall('up', 'down'),
  'nothing arrives upwards': (proxy) => proxy.stall('up'),
  'nothing arrives downwards': (proxy) => proxy.stall('down'),
};

describe('a network that misbehaves', () => {
  afterEach(cleanUp);

  async function proxyTo(port: () => number): Promise<Proxy> {
    const proxy = await openProxy(port);
    onCleanUp(() => proxy.close());
    return proxy;
  }

  /** One round after the other, a few in flight, with a fault of the schedule before some of them. */
  async function increment(session: Session, rounds: number, fault: (round: number) => void): Promise<void> {
    const underWay: Promise<unknown>[] = [];
    for (let round = 0; round < rounds; round++) {
      fault(round);
      underWay.push(session.counter(0).add(STEP), session.counter(1).add(STEP));
      if (underWay.length >= 2 * PIPELINED) await within(`round ${round}`, Promise.all(underWay.splice(0)));
    }
    await within('the last commit', session.commit());
  }

  function schedule(seed: number, proxies: readonly Proxy[], every: number): (round: number) => void {
    const random = createRandom(seed);
    // Each kind comes up as often as any other, in an order of the seed's.
    let kinds: string[] = [];
    return (round) => {
      if (round % every !== every - 1) return;
      const proxy = random.pick(proxies);
      if (kinds.length === 0) kinds = Object.keys(FAULTS).sort(() => random.next() - 0.5);
      for (const one of proxies) if (random.chance(0.5)) one.heal();
      FAULTS[kinds.pop() ?? 'reset']?.(proxy, random);
    };
  }

  async function clientSite(): Promise<{ site: Site; finder: Proxy; workers: Proxy[] }> {
    const ports: (() => number)[] = [];
    const workers = [await proxyTo(() => ports[0]?.() ?? 0), await proxyTo(() => ports[1]?.() ?? 0)];
    const site = await startSite({ worker: (id) => ({ DPR_PUBLIC_PORT: String(workers[id]?.port) }) });
    ports.push(
      () => site.workerPort(0),
      () => site.workerPort(1),
    );
    return { site, workers, finder: await proxyTo(() => site.ports.finder) };
  }

  for (const seed of [1, 2]) {
    it(`between clients and servers costs no increment and doubles none (seed ${seed})`, async () => {
      const { site, finder, workers } = await clientSite();
      const client = await site.client({ cluster: `ws://127.0.0.1:${finder.port}` });
      const session = client.session({ replay: true });
      const rounds = 150;
      await increment(session, rounds, schedule(seed, [...workers, ...workers, finder], 10));
      for (const proxy of [...workers, finder]) proxy.heal();
      assert.deepEqual(await site.counters(), [rounds * STEP, rounds * STEP]);
      assert.equal(session.worldLine, 1, 'a network loses nothing, so no worker rolls back');
    });
  }

  for (const seed of [3, 4]) {
    it(`between workers and the Finder costs nothing: everything commits, and no worker rolls back (seed ${seed})`, async () => {
      const ports: (() => number)[] = [];
      const control = (): number => ports[0]?.() ?? 0;
      const proxies = [await proxyTo(control), await proxyTo(control)];
      const site = await startSite({
        worker: (id) => ({ DPR_FINDER: `ws://127.0.0.1:${proxies[id]?.port ?? 0}` }),
        made: ({ ports: { control: port } }) => ports.push(() => port),
      });
      const client = await site.client();
      const session = client.session();
      const fault = schedule(seed, proxies, 1);
      const commits = 16;
      for (let round = 0; round < commits; round++) {
        fault(round);
        void session.counter(0).add(STEP);
        void session.counter(1).add(STEP);
        await within(`commit ${round}`, session.commit());
      }
      for (const proxy of proxies) proxy.heal();
      assert.deepEqual(await site.counters(), [commits * STEP, commits * STEP]);
      assert.equal(session.worldLine, 1, 'a network loses nothing, so no worker rolls back');
      assert.deepEqual(
        site.workers.map(({ process }) => process.exitCode),
        [null, null],
      );
    });
  }

  it('that hangs before a client is greeted is given up in time, with an error that says so', async () => {
    const site = await startSite({ workers: 1 });
    const proxy = await proxyTo(() => site.ports.finder);
    proxy.hang();
    const address = `ws://127.0.0.1:${proxy.port}`;
    await assert.rejects(site.client({ cluster: address, attemptTimeoutMs: 200, connectTimeoutMs: 500 }), {
      name: 'ConnectError',
      message: `cannot connect to the cluster at ${address}: ${address} did not answer within 200 ms`,
    });
    proxy.heal();
    const client = await site.client({ cluster: address });
    assert.equal(Number(await within('the value', client.session().counter(0).add(1).committed)), 1);
  });
});
