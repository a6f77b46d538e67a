import assert from 'node:assert/strict';
import { Arena, MAX_BLOCK_BYTES } from '../../../services/store/engine/arena.ts';
import { FIRST_REGION_PAGES } from '../../../services/store/engine/pages.ts';
import {
  CLASSES,
  classOf,
  classUnits,
  LARGEST_CLASS_UNITS,
  PAGE_BYTES,
  PAGE_UNITS,
  slabPages,
  UNIT_BYTES,
} from '../../../services/store/engine/size-classes.ts';
import { createRandom } from '../../simulation/random.ts';

const FIRST_REGION_BYTES = FIRST_REGION_PAGES * PAGE_BYTES;
const LARGEST_CLASS_BYTES = LARGEST_CLASS_UNITS * UNIT_BYTES;
/** The first size of each class, the last one, and those beside. */
const BORDERS = Array.from({ length: CLASSES - 1 }, (_, index) => classUnits(index + 1) * UNIT_BYTES).flatMap(
  (bytes) => [bytes - 1, bytes, bytes + 1],
);
const LARGE = [LARGEST_CLASS_BYTES + PAGE_BYTES, LARGEST_CLASS_BYTES + PAGE_BYTES + 1, 1_000_000, 4_300_000];

describe('size classes', () => {
  it('have room for what they are chosen for, and an eighth more at most', () => {
    for (let units = 1; units <= LARGEST_CLASS_UNITS; units++) {
      const room = classUnits(classOf(units));
      assert.ok(room >= units && room - units <= units / 8, `${units} in ${room}`);
      assert.equal(classOf(room), classOf(units));
    }
    assert.equal(classOf(LARGEST_CLASS_UNITS), CLASSES - 1);
  });

  it('fill their slabs but for a sixteenth', () => {
    for (let index = 1; index < CLASSES; index++) {
      const units = slabPages(index) * PAGE_UNITS;
      assert.ok(units >= classUnits(index));
      assert.ok(
        units % classUnits(index) <= units / 16,
        `class ${index} wastes ${units % classUnits(index)} of ${units}`,
      );
    }
  });
});

describe('an arena', () => {
  it('gives blocks that never overlap, and takes every page back', () => {
    const random = createRandom(3);
    const arena = new Arena();
    const blocks = new Map<number, { bytes: number; mark: number }>();
    const sizes = [...BORDERS, ...LARGE];
    const fill = (address: number, bytes: number, mark: number) => {
      const memory = arena.pages.memory(address);
      for (const at of [0, bytes - 1]) memory.setUint8(arena.pages.offset(address) + at, mark);
    };
    for (let step = 0; step < 60_000; step++) {
      const grows = Math.floor(step / 10_000) % 2 === 0;
      if (blocks.size === 0 || random.chance(grows ? 0.6 : 0.4)) {
        const bytes = random.chance(0.001)
          ? random.pick(LARGE)
          : random.pick(sizes.slice(0, random.int(3, BORDERS.length)));
        const address = arena.allocate(bytes);
        assert.ok(address > 0 && !blocks.has(address));
        assert.ok(arena.blockBytes(address) >= bytes);
        assert.equal(arena.blockBytes(address), arena.sizeOf(bytes));
        const mark = step % 256;
        fill(address, bytes, mark);
        blocks.set(address, { bytes, mark });
      } else {
        const address = random.pick([...blocks.keys()].slice(0, 50));
        const { bytes, mark } = blocks.get(address) ?? { bytes: 0, mark: 0 };
        const [memory, at] = [arena.pages.memory(address), arena.pages.offset(address)];
        assert.equal(memory.getUint8(at), mark);
        assert.equal(memory.getUint8(at + bytes - 1), mark);
        arena.free(address);
        blocks.delete(address);
      }
    }
    const ends = [...blocks].map(([address]) => [address, address + arena.blockBytes(address) / UNIT_BYTES] as const);
    ends.sort(([a], [b]) => a - b);
    for (const [index, [start]] of ends.entries()) assert.ok(start >= (ends[index - 1]?.[1] ?? 0));
    for (const address of blocks.keys()) arena.free(address);
    assert.equal(arena.usedBytes, 0);
  });

  it('uses memory again that was given back, also for other sizes', () => {
    const arena = new Arena();
    for (const bytes of [100, 5_000, 70_000, 24]) {
      const addresses = Array.from({ length: Math.ceil(8_000_000 / bytes) }, () => arena.allocate(bytes));
      assert.ok(arena.usedBytes < 8_000_000 * 1.6, `${arena.usedBytes} for ${bytes}`);
      for (const address of addresses) arena.free(address);
      assert.equal(arena.usedBytes, 0);
      assert.equal(arena.pages.bytes, FIRST_REGION_BYTES + MAX_BLOCK_BYTES);
    }
  });

  it('gives regions back to the system, but for the first one and a spare one', () => {
    const arena = new Arena();
    const addresses = Array.from({ length: 200 }, () => arena.allocate(1_000_000));
    assert.ok(arena.pages.bytes >= 200_000_000);
    for (const address of addresses) arena.free(address);
    assert.equal(arena.pages.bytes, FIRST_REGION_BYTES + MAX_BLOCK_BYTES);
    const again = Array.from({ length: 200 }, () => arena.allocate(1_000_000));
    assert.equal(new Set(again).size, 200);
  });

  it('tells all blocks of a slab, and gives another block outside of it', () => {
    const random = createRandom(4);
    const arena = new Arena();
    const given = new Set<number>();
    const slabs = new Map<number, Set<number>>();
    for (let step = 0; step < 4_000; step++) {
      const bytes = random.pick([24, 1_000, 1_020, 9_000, LARGEST_CLASS_BYTES + 1]);
      if (step < 2_000 || random.chance(0.3)) given.add(arena.allocate(bytes));
      else {
        const address = random.pick([...given].slice(0, 200));
        arena.free(address);
        given.delete(address);
      }
    }
    for (const address of given) {
      const beside = arena.blocksBeside(address);
      assert.ok(beside.includes(address));
      slabs.set(beside[0] ?? 0, new Set(beside));
    }
    const all = [...slabs.values()].flatMap((blocks) => [...blocks]);
    assert.deepEqual(all.sort(), [...given].sort(), 'each block is in one slab');
    for (const [first, blocks] of slabs) {
      const apart = arena.allocateApart(arena.blockBytes(first), first);
      assert.ok(!blocks.has(apart) && !arena.blocksBeside(first).includes(apart));
      given.add(apart);
    }
    for (const address of given) arena.free(address);
    assert.equal(arena.usedBytes, 0);
  });

  it('vacates a slab of which less than half is used, where others of its class have room', () => {
    const arena = new Arena();
    const perSlab = PAGE_UNITS / 8;
    const slabs = [0, 1, 2].map(() => Array.from({ length: perSlab }, () => arena.allocate(64)));
    const [one = [], two = [], three = []] = slabs;
    const [kept = 0] = one;
    for (const block of one.slice(perSlab / 2)) arena.free(block);
    assert.equal(arena.vacate(kept), false, 'half of it is used');
    arena.free(one[1] ?? 0);
    assert.equal(arena.vacate(kept), false, 'it is the only one with room');
    arena.free(two[0] ?? 0);
    assert.equal(arena.vacate(two[1] ?? 0), false, 'most of it is used');
    assert.equal(arena.vacate(three[0] ?? 0), false, 'all of it is used');
    assert.equal(arena.vacate(kept), true);
    assert.equal(arena.vacate(kept), true, 'it is vacated already');
    const { usedBytes } = arena;
    assert.equal(arena.allocate(64), two[0]);
    const added = arena.allocate(64);
    assert.equal(arena.usedBytes, usedBytes + PAGE_BYTES, 'a new slab has it');
    for (const block of one.slice(2, perSlab / 2)) arena.free(block);
    arena.free(kept);
    assert.equal(arena.usedBytes, usedBytes);
    for (const block of [...two, ...three, added]) arena.free(block);
    assert.deepEqual([arena.usedBytes, arena.freeBytes], [0, 0]);
  });

  it('puts a large block where pages are free between others', () => {
    const arena = new Arena();
    const addresses = Array.from({ length: 12 }, () => arena.allocate(1_000_000));
    const [, second = 0, third = 0] = addresses;
    arena.free(second);
    arena.free(third);
    const large = arena.allocate(2_000_000);
    assert.equal(large, second);
    assert.equal(arena.pages.bytes, FIRST_REGION_BYTES + MAX_BLOCK_BYTES);
  });

  it('takes little for small blocks, and what it needs for a first one that is as large as any', () => {
    const arena = new Arena();
    const first = arena.allocate(24);
    assert.equal(arena.pages.bytes, FIRST_REGION_BYTES);
    assert.notEqual(first, arena.allocate(MAX_BLOCK_BYTES));
    assert.equal(arena.pages.bytes, FIRST_REGION_BYTES + MAX_BLOCK_BYTES);
    assert.notEqual(new Arena().allocate(MAX_BLOCK_BYTES), 0);
  });
});
