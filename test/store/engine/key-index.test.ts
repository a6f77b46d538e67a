import assert from 'node:assert/strict';
import { createGroup, HASH_END, KeyIndex, SAMPLED_SLOTS } from '../../../services/store/engine/key-index.ts';
import { Records, TYPES } from '../../../services/store/engine/records.ts';
import { createRandom } from '../../simulation/random.ts';

/** An index of keys that are numbers, each with the hash that a test gives it. */
function index(tableBits = 2) {
  const records = new Records();
  const keys = new KeyIndex(records, tableBits);
  const source = new DataView(new ArrayBuffer(4));
  const value = new DataView(new ArrayBuffer(0));
  const found = new Map<number, { hash: number; address: number }>();
  const seek = (key: number, hash: number) => {
    source.setUint32(0, key);
    return keys.find(hash, source, 0, 4, 0);
  };
  const record = (key: number) => {
    source.setUint32(0, key);
    const address = records.arena.allocate(20);
    records.writeContent(address, 1, 4, { type: TYPES.string, value, from: 0, length: 0, deadline: 0 });
    records.writeKey(address, source, 0, 4);
    return address;
  };
  return {
    keys,
    found,
    seek,
    insert: (key: number, hash: number) => {
      const address = record(key);
      keys.insert(hash, address);
      found.set(key, { hash, address });
    },
    erase(key: number) {
      const { hash, address } = found.get(key) ?? { hash: 0, address: 0 };
      assert.ok(keys.holds(hash, address));
      keys.erase(hash, address);
      assert.ok(!keys.holds(hash, address));
      found.delete(key);
    },
    replace(key: number) {
      const { hash, address } = found.get(key) ?? { hash: 0, address: 0 };
      const other = record(key);
      keys.replace(hash, address, other);
      found.set(key, { hash, address: other });
    },
    put: (key: number, hash: number) => {
      const address = record(key);
      assert.equal(keys.put(hash, address), found.get(key)?.address ?? 0);
      found.set(key, { hash, address });
    },
    /** All addresses by walking over the homes from a hash on. */
    walk(from = 0) {
      const group = createGroup();
      const addresses: number[] = [];
      const hashes: number[] = [];
      for (let hash = from; hash < HASH_END; hash = keys.nextHome(hash)) {
        keys.group(hash, group);
        addresses.push(...group.addresses.slice(0, group.count));
        hashes.push(...group.hashes.slice(0, group.count));
      }
      assert.deepEqual(
        hashes,
        [...hashes].sort((a, b) => a - b),
      );
      return addresses;
    },
  };
}

describe('an index of keys', () => {
  /** Spread; all in one home; at both ends, so that runs wrap around; in few clusters. */
  const HASHES: Record<string, (random: ReturnType<typeof createRandom>) => number> = {
    'are spread': (random) => random.int(0, 2 ** 32 - 1),
    'are all the same': () => 0xcafe_f00d,
    'lie at the ends of tables': (random) => random.pick([0, 0x3fff_fff0, 0x3fff_ffff, 0x4000_0000, 0xffff_ffff]),
    'lie in clusters': (random) => random.pick([0x1000_0000, 0x9000_0000]) + random.int(0, 3) * 0x80_0000,
  };
  for (const [name, draw] of Object.entries(HASHES)) {
    it(`finds every key, and walks over each one, where hashes ${name}`, () => {
      const random = createRandom(5);
      const tried = index();
      for (let step = 0; step < 4_000; step++) {
        const grows = Math.floor(step / 1_000) % 2 === 0;
        const some = random.pick([...tried.found.keys(), -1]);
        const insert = random.chance(0.5) ? tried.insert : tried.put;
        if (some < 0 || random.chance(grows ? 0.6 : 0.4)) insert(step, draw(random));
        else if (random.chance(0.7)) tried.erase(some);
        else if (random.chance(0.5)) tried.put(some, tried.found.get(some)?.hash ?? 0);
        else tried.replace(some);
        if (step % 100 !== 0) continue;
        for (const [key, { hash, address }] of tried.found) assert.equal(tried.seek(key, hash), address);
        assert.equal(tried.seek(2 ** 32 - 1, draw(random)), 0);
        const all = [...tried.found.values()];
        assert.deepEqual(tried.walk().sort(), all.map(({ address }) => address).sort());
        const from = draw(random);
        const above = all.filter(({ hash }) => hash >= from).map(({ address }) => address);
        assert.deepEqual(tried.walk(from).sort(), above.sort());
      }
    });
  }

  it('samples keys of one place after another, so that each is met', () => {
    const tried = index(1);
    const random = createRandom(8);
    for (let key = 0; key < 500; key++) tried.insert(key, random.int(0, 2 ** 32 - 1));
    const group = createGroup();
    const met = new Map<number, number>();
    for (let draw = 0; draw < 10_000; draw++) {
      tried.keys.sample(random.int(0, 2 ** 32 - 1), group);
      assert.ok(group.count <= SAMPLED_SLOTS);
      const addresses = group.addresses.slice(0, group.count);
      assert.equal(new Set(addresses).size, group.count);
      for (const [place, address] of addresses.entries()) met.set(address, group.hashes[place] ?? 0);
    }
    assert.deepEqual(
      [...met].sort(([a], [b]) => a - b),
      [...tried.found.values()].map(({ hash, address }) => [address, hash]).sort(([a = 0], [b = 0]) => a - b),
    );
  });

  it('shrinks again when its keys are gone', () => {
    const tried = index();
    const empty = tried.keys.slotBytes;
    const random = createRandom(6);
    for (let key = 0; key < 10_000; key++) tried.insert(key, random.int(0, 2 ** 32 - 1));
    assert.ok(tried.keys.slotBytes > 10_000 * 8);
    for (let key = 0; key < 10_000; key++) tried.erase(key);
    assert.equal(tried.keys.slotBytes, empty);
  });

  it('never moves more than one table at a time: each holds its share of the keys', () => {
    const tried = index(6);
    const random = createRandom(7);
    let largest = 0;
    for (let key = 0; key < 50_000; key++) {
      const before = tried.keys.slotBytes;
      tried.insert(key, random.int(0, 2 ** 32 - 1));
      largest = Math.max(largest, tried.keys.slotBytes - before);
    }
    assert.ok(largest <= ((50_000 * 8) / 64) * 2, `${largest} bytes were added at once`);
  });
});
