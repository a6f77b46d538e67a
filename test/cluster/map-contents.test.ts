import assert from 'node:assert/strict';
import { mapType } from '../../examples/map/client.ts';
import { bundledProgram, clientOf, makePlace, type Place, tearDown, worldLineOf } from './harness.ts';

const WORKERS = [0, 1, 2];
const KEYS = 4_000;
/** So much that sections do not fit into the manifest. */
const VALUE_BYTES = 400;
const CHANGES = 500;
const KILLS = 6;

/** A cluster of maps, a session that goes on over rollbacks, and what the maps hold, by the session's own record. */
async function threeMaps(program: string) {
  const place = await makePlace({
    workers: WORKERS.map((id) => ({ id, type: 'map' })),
    commands: { map: ['node', program] },
  });
  await place.start();
  const session = (await clientOf(place)).session({ replay: true });
  const maps = WORKERS.map((id) => session.worker(id, mapType));
  const record = WORKERS.map(() => new Map<string, string>());
  let changed = 0;

  function change(worker: number, keys: readonly string[]): Promise<unknown> {
    const entries = keys.map((key) => [key, `${++changed} `.repeat(VALUE_BYTES).slice(0, VALUE_BYTES)] as const);
    for (const [key, value] of entries) record[worker]?.set(key, value);
    return Promise.resolve(maps[worker]?.setAll(entries));
  }

  function remove(worker: number, keys: readonly string[]): Promise<unknown> {
    for (const key of keys) record[worker]?.delete(key);
    return Promise.resolve(maps[worker]?.deleteAll(keys));
  }

  async function contentsAreExact(): Promise<void> {
    for (const worker of WORKERS) {
      const expected = record[worker] ?? new Map<string, string>();
      assert.equal(await maps[worker]?.count(), expected.size);
      const keys = [...expected.keys()];
      for (let at = 0; at < keys.length; at += CHANGES) {
        const some = keys.slice(at, at + CHANGES);
        assert.deepEqual(
          await maps[worker]?.getAll(some),
          some.map((key) => expected.get(key)),
        );
      }
    }
  }

  return { place, session, change, remove, contentsAreExact };
}

/** Keys in a row, at another place each time. */
function someKeys(turn: number, count = CHANGES): string[] {
  return Array.from({ length: count }, (_, index) => `key-${(turn * 1_237 + index * 3) % KEYS}`);
}

async function fill({ change }: Awaited<ReturnType<typeof threeMaps>>): Promise<void> {
  const keys = Array.from({ length: KEYS }, (_, index) => `key-${index}`);
  for (const worker of WORKERS) {
    for (let at = 0; at < KEYS; at += CHANGES) await change(worker, keys.slice(at, at + CHANGES));
  }
}

function pidsIn(place: Place): (number | null | undefined)[] {
  return WORKERS.map((id) => place.process(`map-${id}`)?.pid);
}

describe('maps whose checkpoints are incremental', () => {
  const program = bundledProgram('examples/map/main.ts');

  afterEach(tearDown);

  it('hold exactly what a client wrote, while workers are killed under load, and others go back in memory', async () => {
    const maps = await threeMaps(program);
    const { place, session, change, remove, contentsAreExact } = maps;
    await fill(maps);
    await session.commit();
    for (let kill = 0; kill < KILLS; kill++) {
      const worldLine = await worldLineOf(place);
      const before = pidsIn(place);
      const victim = kill % WORKERS.length;
      const writes = [0, 1, 2, 3].flatMap((turn) => [
        ...WORKERS.map((worker) => change(worker, someKeys(kill * 10 + turn))),
        ...WORKERS.map((worker) => remove(worker, someKeys(kill * 10 + turn, 50))),
      ]);
      place.kill(`map-${victim}`);
      await Promise.all(writes);
      await session.commit();
      await contentsAreExact();
      assert.equal(await worldLineOf(place), worldLine + 1);
      const after = pidsIn(place);
      for (const id of WORKERS) assert.equal(after[id] === before[id], id !== victim, `map-${id}`);
    }
  });

  it('hold what was committed when all of them are killed at once', async () => {
    const maps = await threeMaps(program);
    const { place, session, change, contentsAreExact } = maps;
    await fill(maps);
    for (let turn = 0; turn < 5; turn++) {
      await Promise.all(WORKERS.map((worker) => change(worker, someKeys(turn))));
      await session.commit();
    }
    for (const id of WORKERS) place.kill(`map-${id}`);
    await contentsAreExact();
  });
});
