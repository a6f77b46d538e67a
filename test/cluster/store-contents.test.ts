import { showSummary, summarize } from '@dpr/local/measurements';
import { makePlace, tearDown } from './harness.ts';
import { storeKills, type Sizes } from './store-kills.ts';

/** `DPR_STORE_KEYS=1000000 DPR_STORE_VALUE_BYTES=1000 DPR_STORE_KILLS=50`: three stores of a gigabyte each, and figures of each kill. */
const { DPR_STORE_KEYS = '20000', DPR_STORE_VALUE_BYTES = '100', DPR_STORE_KILLS = '3' } = process.env;
const IS_SHOWN = process.env.DPR_STORE_KILLS !== undefined;

const SIZES: Sizes = {
  workers: 3,
  keys: Number(DPR_STORE_KEYS),
  valueBytes: Number(DPR_STORE_VALUE_BYTES),
  batchKeys: 400,
  batchesInFlight: 4,
};

describe('stores in a cluster', () => {
  afterEach(tearDown);

  it('hold exactly what a client wrote, while one after the other is killed under load, and the others go back in memory', async () => {
    const place = await makePlace({
      workers: Array.from({ length: SIZES.workers }, (_, id) => ({ id, type: 'store' })),
    });
    await place.start();
    const stores = await storeKills(place, SIZES);
    const show = (text: string): void => {
      if (IS_SHOWN) console.log(text);
    };
    await stores.fill();
    show('filled');
    const gaps: number[] = [];
    for (let kill = 0; kill < Number(DPR_STORE_KILLS); kill++) {
      const result = await stores.kill(kill % SIZES.workers);
      gaps.push(result.gapMs);
      show(`kill ${kill + 1}: ${JSON.stringify(result)}`);
    }
    await stores.allAreExact();
    for (let id = 0; id < SIZES.workers; id++) place.kill(`store-${id}`);
    await stores.allAreExact();
    show(`gaps of the others: ${showSummary(summarize(gaps))}`);
  });
});
