import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import { RateLimiterRes } from 'rate-limiter-flexible';
import { connectCache, type Cache } from '../../examples/redis/cache.ts';
import { countCall, createLimiter, type Limit } from '../../examples/redis/rate-limiter.ts';
import { isRollback } from '../../examples/redis/rollback.ts';
import { connectSite } from '../../examples/redis/sessions.ts';
import { type Place, tearDown, until } from '../cluster/harness.ts';
import { startStore, STORE } from '../cluster/served-store.ts';

type Answer = { readonly status: number; readonly text: string };

describe('an example for Redis users, at a store', () => {
  const open: { close(): unknown }[] = [];
  let place: Place;
  let port: number;

  beforeEach(async () => {
    ({ place, port } = await startStore());
  });
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });
  afterEach(tearDown);

  /** Kill another worker, which takes from the store what is not committed, and go on until `told` is true. */
  async function rollBack(goOn: () => Promise<boolean>): Promise<void> {
    place.kill('counter-0');
    while (!(await goOn()));
  }

  describe('that keeps sessions,', () => {
    let site: string;
    let told: unknown[];

    beforeEach(async () => {
      told = [];
      const server = await connectSite(`redis://127.0.0.1:${port}`, 'a-secret-of-the-site', (error) =>
        told.push(error),
      );
      open.push(server);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });

    /** A browser: it shows the newest cookie that it was given. */
    function browser(): (method: string, path: string) => Promise<Answer> {
      let cookie = '';
      return async (method, path) => {
        const response = await fetch(`${site}${path}`, { method, headers: { cookie, connection: 'close' } });
        [cookie = ''] = response.headers.get('set-cookie')?.split(';') ?? [cookie];
        return { status: response.status, text: await response.text() };
      };
    }

    /** As browsers do that are told to try again. */
    function answered(ask: () => Promise<Answer>): Promise<Answer> {
      return until('an answer', async () => {
        const answer = await ask();
        return answer.status !== 503 && answer;
      });
    }

    it('knows who has logged in until the log-out, although the worker is killed right after each', async () => {
      const ann = browser();
      assert.equal((await ann('GET', '/')).status, 401);
      assert.deepEqual(await ann('POST', '/login?user=ann'), { status: 200, text: 'welcome\n' });
      place.kill(`store-${STORE}`);
      assert.deepEqual(await answered(() => ann('GET', '/')), { status: 200, text: 'ann, visit 1\n' });
      assert.equal((await answered(() => browser()('GET', '/'))).status, 401);
      assert.deepEqual(await ann('POST', '/logout'), { status: 200, text: 'good bye\n' });
      place.kill(`store-${STORE}`);
      assert.equal((await answered(() => ann('GET', '/'))).status, 401);
    });

    it('refuses a request, or does not save its visit, when visits are rolled back, and keeps the log-in', async () => {
      const ann = browser();
      await ann('POST', '/login?user=ann');
      const answers: Answer[] = [];
      // A rollback that was told to the saving of a visit is none that a browser sees.
      while (answers.every(({ status }) => status === 200)) {
        told.length = 0;
        await rollBack(async () => {
          answers.push(await ann('GET', '/'));
          return told.length > 0;
        });
        assert.ok(told.every(isRollback));
        const after = await ann('GET', '/');
        answers.push(after);
        const visit = Number(/^ann, visit (\d+)\n$/.exec(after.text)?.[1]);
        assert.ok(visit < answers.length, `${after.text} after ${answers.length}`);
      }
      assert.deepEqual(
        answers.filter(({ status }) => status !== 200),
        [{ status: 503, text: 'try again\n' }],
      );
    });
  });

  describe('that limits calls,', () => {
    const LIMIT: Limit = { points: 5, duration: 100 };
    let client: Redis;

    beforeEach(() => {
      client = new Redis({ port, host: '127.0.0.1' });
      client.on('error', () => undefined);
      open.push({ close: () => client.disconnect() });
    });

    /** @returns calls that are left, or undefined where it was refused */
    async function consume(limiter: ReturnType<typeof createLimiter>, who: string): Promise<number | undefined> {
      try {
        return (await limiter.consume(who)).remainingPoints;
      } catch (refusal) {
        if (refusal instanceof RateLimiterRes) return undefined;
        throw refusal;
      }
    }

    it('refuses those beyond the limit, of each caller, whichever process counts', async () => {
      const limiters = [createLimiter(client, LIMIT), createLimiter(client, LIMIT)] as const;
      const left = [];
      for (let call = 0; call < 6; call++) left.push(await consume(limiters[call % 2 === 0 ? 0 : 1], 'ann'));
      assert.deepEqual(left, [4, 3, 2, 1, 0, undefined]);
      assert.equal(await consume(limiters[0], 'bob'), 4);
      assert.equal(await client.ttl('calls:ann'), LIMIT.duration);
    });

    it('counts calls of the same moment exactly by a transaction', async () => {
      const counts = await Promise.all(Array.from({ length: 20 }, () => countCall(client, 'ann', LIMIT)));
      assert.deepEqual(
        counts.sort((a, b) => a - b),
        Array.from({ length: 20 }, (_, index) => index + 1),
      );
      assert.equal(await countCall(client, 'bob', LIMIT), 1);
      assert.equal(await client.ttl('exact:ann'), LIMIT.duration);
    });

    it('has the process count by itself when a rollback is told, and then the store again', async () => {
      const limit: Limit = { points: 1_000_000, duration: 100 };
      const limiter = createLimiter(client, limit);
      let calls = 0;
      let left: number = limit.points;
      await rollBack(async () => {
        const { remainingPoints } = await limiter.consume('ann');
        const isTold = remainingPoints > left;
        left = remainingPoints;
        calls++;
        return isTold;
      });
      assert.equal(left, limit.points - 1, 'the first call that the process counted');
      const counted = limit.points - (await limiter.consume('ann')).remainingPoints;
      assert.ok(counted <= calls, `the store counted ${counted} of ${calls}`);
    });

    it('counts in a transaction as many as are not rolled back', async () => {
      let calls = 0;
      let last = 0;
      await rollBack(async () => {
        const count = await countCall(client, 'ann', LIMIT);
        calls++;
        const isNext = count === last + 1;
        last = count;
        return !isNext;
      });
      assert.ok(last < calls, `${last} of ${calls}`);
      assert.equal(await countCall(client, 'ann', LIMIT), last + 1);
    });
  });

  describe('that keeps a cache,', () => {
    let made: number;

    beforeEach(() => (made = 0));

    const make = (): Promise<string> => Promise.resolve(`page ${++made}`);

    async function connectOne(failed: (error: unknown) => void = () => undefined): Promise<Cache<string>> {
      const cache = await connectCache<string>(`redis://127.0.0.1:${port}`, failed);
      open.push(cache);
      return cache;
    }

    it('makes a value once, until it is forgotten, which no failure takes back', async () => {
      const cache = await connectOne();
      assert.equal(await cache.get('index', make), 'page 1');
      assert.equal(await cache.get('index', make), 'page 1');
      await cache.forget('index');
      place.kill(`store-${STORE}`);
      const later = await connectOne();
      assert.equal(await later.get('index', make), 'page 2');
      assert.equal(await later.get('index', make), 'page 2');
    });

    it('makes it again after a rollback, of which it is told', async () => {
      const told: unknown[] = [];
      const cache = await connectOne((error) => told.push(error));
      let pages = 0;
      await rollBack(async () => {
        assert.match(await cache.get(`page-${pages++}`, make), /^page \d+$/);
        return told.length > 0;
      });
      assert.ok(told.every(isRollback));
      assert.equal(made, pages);
      assert.equal(await cache.get('index', make), `page ${pages + 1}`);
      assert.equal(await cache.get('index', make), `page ${pages + 1}`);
      assert.equal(told.length, 1);
    });
  });
});
