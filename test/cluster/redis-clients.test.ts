import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { makePlace, operatorOf, tearDown, until } from './harness.ts';
import { startStore, STORE } from './served-store.ts';

const TOKEN = 'a-token-that-clients-show';
const WAITAOF = ['WAITAOF', '1', '0', '0'];
/** After so many it is looked for a rollback; one that has taken nothing after as many again takes nothing. */
const CALLS_BETWEEN_LOOKS = 500;
const COMMITTED = [1, 0];

describe('a store in a cluster, for Redis clients', () => {
  const open: { disconnect(): unknown }[] = [];

  afterEach(async () => {
    for (const client of open.splice(0)) await client.disconnect();
  });
  afterEach(tearDown);

  function ioredis(port: number, options: { password?: string } = {}): Redis {
    const client = new Redis({ port, host: '127.0.0.1', ...options });
    client.on('error', () => undefined); // while the worker is away
    open.push(client);
    return client;
  }

  async function nodeRedis(port: number, RESP: 2 | 3) {
    const client = createClient({ url: `redis://127.0.0.1:${port}`, RESP });
    client.on('error', () => undefined);
    await client.connect();
    open.push({ disconnect: () => client.destroy() });
    return client;
  }

  it('serves ioredis: single commands, pipelines, transactions, binary values', async () => {
    const { port } = await startStore();
    const client = ioredis(port);
    assert.equal(await client.set('a', '1', 'EX', 100, 'NX'), 'OK');
    assert.equal(await client.set('a', '2', 'EX', 100, 'NX'), null);
    assert.equal(await client.ttl('a'), 100);
    const all = await Promise.all(Array.from({ length: 1000 }, () => client.incr('n')));
    assert.deepEqual(
      all,
      Array.from({ length: 1000 }, (_, index) => index + 1),
    );
    const replies = await client.pipeline().set('b', 'x').append('b', 'y').get('b').incr('b').exec();
    assert.deepEqual(
      replies?.map(([error, reply]) => error?.message ?? reply),
      ['OK', 2, 'xy', 'ERR value is not an integer or out of range'],
    );
    assert.deepEqual(await client.multi().set('c', '1').incr('c').mget('c', 'd').exec(), [
      [null, 'OK'],
      [null, 2],
      [null, ['2', null]],
    ]);
    const bytes = Buffer.from([0, 255, 13, 10]);
    await client.set('binary', bytes);
    assert.deepEqual(await client.getBuffer('binary'), bytes);
    assert.deepEqual((await client.keys('*')).sort(), ['a', 'b', 'binary', 'c', 'n']);
    assert.equal(await client.hset('h', 'f', 'v'), 1);
    await assert.rejects(client.xadd('s', '*', 'f', 'v'), /unknown command 'xadd': messages and streams are not there/);
    assert.equal(await client.get('a'), '1');
  });

  it('serves node-redis, by RESP2 and RESP3', async () => {
    const { port } = await startStore();
    for (const protocol of [2, 3] as const) {
      const client = await nodeRedis(port, protocol);
      assert.equal(await client.set('a', '1', { expiration: { type: 'EX', value: 50 } }), 'OK');
      assert.equal(await client.get('a'), '1');
      assert.equal(await client.get('missing'), null);
      const all = await Promise.all(Array.from({ length: 100 }, (_, index) => client.incrBy(`n-${protocol}`, index)));
      assert.equal(all.at(-1), 4950);
      assert.deepEqual(await client.multi().set('b', '1').incr('b').mGet(['b', 'c']).exec(), ['OK', 2, ['2', null]]);
      const found: string[] = [];
      for await (const keys of client.scanIterator({ MATCH: 'n-*' })) found.push(...keys);
      assert.ok(found.includes(`n-${protocol}`));
      await client.watch('b');
      await client.set('b', 'mine');
      await assert.rejects(client.multi().get('b').exec(), /watched keys has been changed/);
      assert.deepEqual(await client.sendCommand(WAITAOF), COMMITTED);
    }
  });

  it('loses nothing that WAITAOF said is committed, when it is killed right after', async () => {
    const { place, port } = await startStore();
    const client = ioredis(port);
    for (let round = 1; round <= 5; round++) {
      await Promise.all([client.set(`key-${round}`, `${round}`), client.incr('rounds')]);
      assert.deepEqual(await client.call('WAITAOF', '1', '0', '0'), COMMITTED);
      place.kill(`store-${STORE}`);
      assert.equal(await client.get('rounds'), `${round}`);
      assert.equal(await client.get(`key-${round}`), `${round}`);
    }
  });

  it('tells of a rollback by the next command, and goes on', async () => {
    const { place, port } = await startStore();
    const io = ioredis(port);
    const [second, third] = [await nodeRedis(port, 2), await nodeRedis(port, 3)];
    const clients = [
      { client: io, commit: () => io.call('WAITAOF', '1', '0', '0') },
      { client: second, commit: () => second.sendCommand(WAITAOF) },
      { client: third, commit: () => third.sendCommand(WAITAOF) },
    ];
    const operator = await operatorOf(place);
    let worldLine = 1;
    for (const [index, { client, commit }] of clients.entries()) {
      await client.set(`kept-${index}`, 'x');
      assert.deepEqual(await commit(), COMMITTED);
      place.kill('counter-0');
      worldLine++;
      let last = 0;
      // What is not committed when the world-line begins is lost. Where all was, as on a machine that stood still, another one follows.
      const failure = await (async () => {
        for (let calls = 0, told = 0; ; calls++) {
          try {
            last = await client.incr(`n-${index}`);
          } catch (error) {
            return error as Error;
          }
          if (calls % CALLS_BETWEEN_LOOKS > 0 || (await operator.status()).worldLine < worldLine || ++told < 2)
            continue;
          await place.processIs('counter-0', ({ phase }) => phase === 'serving');
          place.kill('counter-0');
          worldLine++;
          told = 0;
        }
      })();
      await until('the world-line', async () => (await operator.status()).worldLine === worldLine);
      assert.match(failure.message, new RegExp(`^ROLLBACK world-line ${worldLine}: `));
      assert.equal(await client.get(`kept-${index}`), 'x');
      const left = Number(await client.get(`n-${index}`));
      assert.ok(left < last, `${left} of ${last} are left`);
      assert.equal(await client.incr(`n-${index}`), left + 1);
    }
  });

  it('lets what is done at one store depend on what was done at another one, by DPR.TOKEN and DPR.SEE', async () => {
    const place = await makePlace({ workers: [] });
    const workers = [1, 2].map((id) => ({ id, type: 'store' }));
    place.edit({ workers, respBasePort: place.respBasePort });
    await place.start();
    const [orders, mails] = [ioredis(place.respBasePort + 1), ioredis(place.respBasePort + 2)];
    let lost = 0;
    for (let round = 1; round <= 5; round++) {
      await orders.set('order', round);
      const token = (await orders.call('DPR.TOKEN')) as string;
      assert.equal(await mails.call('DPR.SEE', token), 'OK');
      assert.equal(await mails.set('mail', round), 'OK');
      place.kill('store-1');
      const order = Number(await orders.get('order'));
      // The other store may have to hear of the failure.
      const see = () => mails.call('DPR.SEE', token).catch(String) as Promise<string>;
      while ((await see()).includes('TRYAGAIN'));
      const mail = Number(await mails.get('mail').catch(() => mails.get('mail')));
      assert.ok(mail <= order, `a mail of order ${mail} was sent, and the last order is ${order}`);
      if (mail < round) lost++;
      assert.deepEqual(await mails.call(...(WAITAOF as [string, ...string[]])), COMMITTED);
    }
    assert.ok(lost > 0, 'no round lost anything');
  });

  it('executes what a client numbers by DPR.SESSION once, whatever is killed and sent again', async () => {
    const { place, port } = await startStore();
    const client = ioredis(port);
    const count = 60;
    let gaps = 0;
    // A failure that takes back all of a session leaves nothing to go on with.
    assert.equal(await client.call('DPR.SESSION', 'job', 1, 'INCR', 'n'), 1);
    assert.deepEqual(await client.call('WAITAOF', '1', '0', '0'), COMMITTED);
    for (let [number, calls] = [2, 1]; number <= count; calls++) {
      if (calls % 20 === 0 && calls <= count) place.kill(`store-${STORE}`);
      try {
        assert.equal(await client.call('DPR.SESSION', 'job', number, 'INCR', 'n'), number);
        number++;
      } catch (error) {
        // A rollback took earlier ones: the worker says which it expects. Otherwise nothing is known of this one.
        const expected = /^SEQUENCEGAP batch (\d+) is expected/.exec((error as Error).message)?.[1];
        if (expected === undefined) continue;
        gaps++;
        number = Number(expected);
      }
    }
    assert.equal(await client.get('n'), String(count));
    assert.ok(gaps > 0, 'no kill took anything back');
  });

  it('asks for the client token where there is one', async () => {
    const { port } = await startStore({ clientToken: TOKEN });
    assert.equal(await ioredis(port, { password: TOKEN }).set('a', '1'), 'OK');
    await assert.rejects(createClient({ url: `redis://127.0.0.1:${port}`, password: 'wrong' }).connect(), /WRONGPASS/);
    await assert.rejects(createClient({ url: `redis://127.0.0.1:${port}` }).connect(), /NOAUTH/);
  });
});
