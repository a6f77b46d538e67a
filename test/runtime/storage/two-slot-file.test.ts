import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  RECORD_LIMIT_BYTES,
  StorageDamagedError,
  StorageLimitError,
  openTwoSlotFile,
} from '../../../services/runtime/storage/index.ts';
import { type Fate, type Process, type SimDisk, healthy, mortal, seeded, simDisk } from './sim-disk.ts';

const NAME = 'record';
const SLOTS = ['record-0', 'record-1'] as const;

function record(text: string, bytes = 0): Buffer {
  return Buffer.concat([Buffer.from(text), Buffer.alloc(bytes, text)]);
}

async function written(disk: SimDisk, ...texts: string[]): Promise<void> {
  const file = await openTwoSlotFile(disk.mount(healthy), NAME);
  for (const text of texts) await file.write(Buffer.from(text));
  await file.close();
}

async function recovered(disk: SimDisk): Promise<{ text: string; counter: number } | undefined> {
  const { recovered: found } = await openTwoSlotFile(disk.mount(healthy), NAME);
  return found && { text: found.record.toString(), counter: found.counter };
}

/** What a run of several lives was told, and may therefore rely on, and what else it may find. */
type History = { acknowledged: number; readonly attempts: Map<number, Buffer[]>; next: number };

function checkRecovered(history: History, found: { record: Buffer; counter: number } | undefined): void {
  const counter = found?.counter ?? 0;
  assert(counter >= history.acknowledged, `went back from ${history.acknowledged} to ${counter}`);
  if (found === undefined) return;
  const attempts = history.attempts.get(counter) ?? [];
  const candidates = counter === history.acknowledged ? attempts.slice(-1) : attempts;
  assert(
    candidates.some((one) => one.equals(found.record)),
    `record ${counter} was never written so`,
  );
  // What was recovered may be told to any peer from now on.
  history.acknowledged = counter;
  history.attempts.set(counter, [found.record]);
}

async function live(disk: SimDisk, process: Process, random: () => number, history: History): Promise<void> {
  const file = await openTwoSlotFile(disk.mount(process), NAME);
  checkRecovered(history, file.recovered);
  for (;;) {
    const bytes = record(`${history.next++}.`, Math.floor(random() * 3_000));
    const counter = history.acknowledged + 1;
    history.attempts.set(counter, [...(history.attempts.get(counter) ?? []), bytes]);
    const given = await file.write(bytes).catch(() => undefined);
    if (given === undefined) continue;
    assert.equal(given, counter);
    history.acknowledged = counter;
    history.attempts.set(counter, [bytes]);
  }
}

describe('two-slot file', () => {
  it('is empty when it never existed, and then holds the last record written', async () => {
    const disk = simDisk(seeded(1));
    assert.equal(await recovered(disk), undefined);
    await written(disk, 'a', 'b', 'c');
    assert.deepEqual(await recovered(disk), { text: 'c', counter: 3 });
    await written(disk, 'd');
    assert.deepEqual(await recovered(disk), { text: 'd', counter: 4 });
  });

  it('keeps every size up to the limit, and refuses larger ones by name', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 5_000 }), { minLength: 1, maxLength: 6 }),
        async (records) => {
          const disk = simDisk(seeded(1));
          const file = await openTwoSlotFile(disk.mount(healthy), NAME);
          for (const one of records) await file.write(one);
          const again = await openTwoSlotFile(disk.mount(healthy), NAME);
          assert.deepEqual(again.recovered?.record, Buffer.from(records.at(-1) ?? []));
        },
      ),
      { numRuns: 50 },
    );
    const file = await openTwoSlotFile(simDisk(seeded(1)).mount(healthy), NAME);
    assert.equal(await file.write(Buffer.alloc(RECORD_LIMIT_BYTES)), 1);
    await assert.rejects(file.write(Buffer.alloc(RECORD_LIMIT_BYTES + 1)), StorageLimitError);
  });

  it('falls back to the other slot when one is torn, and says which it distrusts', async () => {
    const disk = simDisk(seeded(1));
    await written(disk, 'a', 'b', 'c');
    disk.corrupt('record-0', 24); // holds c
    const file = await openTwoSlotFile(disk.mount(healthy), NAME);
    assert.equal(file.recovered?.record.toString(), 'b');
    assert.equal(file.distrusted, '/sim/record-0');
    assert.equal(await file.write(Buffer.from('d')), 3);
    assert.deepEqual(await recovered(disk), { text: 'd', counter: 3 });
  });

  it('notices every single changed byte', async () => {
    const disk = simDisk(seeded(1));
    await written(disk, 'first', 'second');
    for (let offset = 0; offset < disk.size('record-1'); offset++) {
      disk.corrupt('record-1', offset);
      assert.deepEqual((await recovered(disk))?.text, 'first', `byte ${offset}`);
      disk.corrupt('record-1', offset);
    }
    assert.deepEqual((await recovered(disk))?.text, 'second');
  });

  it('refuses to start from nothing when the file exists but no slot is valid', async () => {
    const both = simDisk(seeded(1));
    await written(both, 'a', 'b');
    for (const slot of SLOTS) both.corrupt(slot, 0);
    const naming = (error: Error) =>
      error instanceof StorageDamagedError && SLOTS.every((slot) => error.message.includes(`/sim/${slot}`));
    await assert.rejects(openTwoSlotFile(both.mount(healthy), NAME), naming);

    const only = simDisk(seeded(1));
    await written(only, 'a');
    only.corrupt('record-0', 0);
    await assert.rejects(openTwoSlotFile(only.mount(healthy), NAME), naming);
  });

  it('survives the loss of one slot', async () => {
    const disk = simDisk(seeded(1));
    await written(disk, 'a', 'b', 'c');
    disk.remove('record-0');
    assert.deepEqual(await recovered(disk), { text: 'b', counter: 2 });
    await written(disk, 'd');
    assert.deepEqual(await recovered(disk), { text: 'd', counter: 3 });
  });

  it('writes a record with one write and one sync', async () => {
    const disk = simDisk(seeded(1));
    await written(disk, 'a', 'b');
    const { process, steps } = mortal(Infinity);
    const file = await openTwoSlotFile(disk.mount(process), NAME);
    await file.write(Buffer.from('c'));
    steps.length = 0;
    await file.write(Buffer.from('d'));
    assert.deepEqual(
      steps.map((step) => step.operation),
      ['write', 'datasync'],
    );
  });

  it('asserts that writes do not overlap', async () => {
    const file = await openTwoSlotFile(simDisk(seeded(1)).mount(healthy), NAME);
    const first = file.write(Buffer.from('a'));
    await assert.rejects(file.write(Buffer.from('b')), assert.AssertionError);
    assert.equal(await first, 1);
  });

  it('tries a failed write again in the same slot', async () => {
    const disk = simDisk(seeded(1));
    await written(disk, 'a', 'b');
    let fate: Fate = 'done';
    const file = await openTwoSlotFile(
      disk.mount(({ operation }) => (operation === 'datasync' ? fate : 'done')),
      NAME,
    );
    fate = 'EIO';
    await assert.rejects(file.write(Buffer.from('c')), { code: 'EIO' });
    await assert.rejects(file.write(Buffer.from('d')), { code: 'EIO' });
    fate = 'done';
    assert.equal(await file.write(Buffer.from('e')), 3);
    disk.cutPower();
    assert.deepEqual(await recovered(disk), { text: 'e', counter: 3 });
    disk.corrupt('record-0', 0);
    assert.deepEqual(await recovered(disk), { text: 'b', counter: 2 });
  });

  it('keeps serving on a full disk as long as the record does not grow', async () => {
    const disk = simDisk(seeded(1));
    await written(disk, 'aaaa', 'bbbb');
    disk.capacityBytes = SLOTS.reduce((sum, slot) => sum + disk.size(slot), 0);
    const file = await openTwoSlotFile(disk.mount(healthy), NAME);
    assert.equal(await file.write(Buffer.from('cccc')), 3);
    await assert.rejects(file.write(Buffer.from('longer than before')), { code: 'ENOSPC' });
    assert.deepEqual(await recovered(disk), { text: 'cccc', counter: 3 });
    assert.equal(await file.write(Buffer.from('dddd')), 4);
    disk.cutPower();
    assert.deepEqual(await recovered(disk), { text: 'dddd', counter: 4 });
  });

  it('exposes only what a power cut cannot take back, also when it was left unsynced by a process that died', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      for (let last = 0; last < 25; last++) {
        const random = seeded(seed * 1_000 + last);
        const disk = simDisk(random);
        const { process, died } = mortal(last);
        const history: History = { acknowledged: 0, attempts: new Map(), next: 0 };
        await Promise.race([live(disk, process, random, history), died]);
        const exposed = await recovered(disk);
        disk.cutPower();
        assert.deepEqual(await recovered(disk), exposed, `seed ${seed}, step ${last}`);
      }
    }
  });

  it('loses no acknowledged record, whichever step a process dies in, with and without the power', async () => {
    for (let seed = 1; seed <= 12; seed++) {
      for (let last = 0; last < 40; last++) {
        const random = seeded(seed * 1_000 + last);
        const disk = simDisk(random);
        const history: History = { acknowledged: 0, attempts: new Map(), next: 0 };
        for (const lastStep of [last, Math.floor(random() * 12), Math.floor(random() * 12)]) {
          const { process, died } = mortal(lastStep);
          await Promise.race([live(disk, process, random, history), died]);
          if (random() < 0.5) disk.cutPower();
        }
        checkRecovered(history, (await openTwoSlotFile(disk.mount(healthy), NAME)).recovered);
      }
    }
  });

  it('loses no acknowledged record when writes fail and processes die many times over', async () => {
    const errors: Fate[] = ['EIO', 'ENOSPC'];
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 }), async (seed) => {
        const random = seeded(seed);
        const disk = simDisk(random);
        const history: History = { acknowledged: 0, attempts: new Map(), next: 0 };
        const fails: Process = () => (random() < 0.1 ? (errors[Math.floor(random() * 2)] ?? 'EIO') : 'done');
        for (let life = 0; life < 12; life++) {
          const { process, died } = mortal(Math.floor(random() * 40), fails);
          const opened = live(disk, process, random, history).catch((error: unknown) => {
            if (!(error instanceof Error) || !('code' in error) || error.code === 'ERR_ASSERTION') throw error;
          });
          await Promise.race([opened, died]);
          if (random() < 0.5) disk.cutPower();
        }
        checkRecovered(history, (await openTwoSlotFile(disk.mount(healthy), NAME)).recovered);
      }),
      { numRuns: 150 },
    );
  });
});
