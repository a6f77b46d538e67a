import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MAX_PAGE_BYTES, MAX_PAGES_PER_SECOND, scrape } from '../../services/console/scraper.ts';
import { cleanUp } from '../client/clean-up.ts';
import { until } from '../client/until.ts';

const COUNT = 'dpr_worker_operations_total 5\n';

describe('the reader of metrics', () => {
  const closing = cleanUp();

  async function pages(answer: (response: ServerResponse, asked: number) => void): Promise<string> {
    let asked = 0;
    const server = createServer((_, response) => answer(response, ++asked)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing({
      close() {
        server.closeAllConnections();
        server.close();
      },
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
  }

  function reader(addresses: ReadonlyMap<number, string>) {
    const scraper = scrape(() => addresses);
    closing({ close: scraper.stop });
    return scraper;
  }

  it('tells what processes did between two looks, and forgets those that do not answer', async () => {
    const address = await pages((response, asked) => {
      if (asked > 2) response.writeHead(500);
      response.end(COUNT.replace('5', String(asked * 1_000)));
    });
    const scraper = reader(new Map([[7, address]]));
    await until(() => scraper.rates().has(7));
    const { rate = 0 } = scraper.rates().get(7) ?? {};
    assert.ok(rate > 500 && rate < 1_500, `${rate}`);
    await until(() => !scraper.rates().has(7));
  });

  it('reads as many pages a second as it may, of any number of processes, without a warning of a leak', async () => {
    let asked = 0;
    const address = await pages((response) => {
      asked++;
      setImmediate(() => response.end(COUNT));
    });
    const warnings: Error[] = [];
    const warned = (warning: Error): void => void warnings.push(warning);
    process.on('warning', warned);
    const keys = Array.from({ length: 3 * MAX_PAGES_PER_SECOND }, (_, key) => [key, address] as const);
    reader(new Map(keys));
    await until(() => asked >= MAX_PAGES_PER_SECOND);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(asked, MAX_PAGES_PER_SECOND, 'the others have their turn later');
    process.off('warning', warned);
    assert.deepEqual(warnings, []);
  });

  it('reads no page that is larger than it may be, whatever it says of itself', async () => {
    const page = (bytes: number) => COUNT + '#'.repeat(bytes - COUNT.length);
    const right = await pages((response) => response.end(page(MAX_PAGE_BYTES)));
    const large = await pages((response) => {
      response.write(page(MAX_PAGE_BYTES)); // in chunks, and so without a length
      response.end('#');
    });
    const scraper = reader(
      new Map([
        [1, right],
        [2, large],
      ]),
    );
    await until(() => scraper.rates().has(1));
    assert.ok(!scraper.rates().has(2));
  });
});
