/** Workers that die, or go on beside their successors, in any step of what they do to their volume. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  AppendBlockedError,
  type CheckpointStore,
  type ClaimedVolume,
  type CleanMarker,
  type Disk,
  INLINE_LIMIT_BYTES,
  type NewCheckpoint,
  SupersededError,
  claimVolume,
  surveyVolume,
} from '../../../services/runtime/storage/index.ts';
import { readBack } from './checkpoint-fixtures.ts';
import { type Fate, type Process, type SimDisk, healthy, mortal, seeded, simDisk } from './sim-disk.ts';

/** Some sections fit into one, others do not. */
const SEGMENT_BYTES = 3 * INLINE_LIMIT_BYTES;

const IDENTITY = { cluster: '0123456789abcdef0123456789abcdef', worker: 0, generation: 1 };

/** A checkpoint as its worker meant it, and all sections that its state and its sessions are put together from. */
type Meant = {
  readonly worldLine: number;
  readonly version: number;
  readonly states: readonly string[];
  readonly sessions: readonly string[];
};

/**
 * What a worker may rely on. `listed`: its checkpoints, pruned ones included. `perhaps`: what an operation that was not
 * acknowledged would have made of it.
 */
type Known = { readonly listed: readonly Meant[]; readonly clean: CleanMarker | undefined };
type Model = { known: Known; perhaps: Known[]; cut: number; fenced: boolean; worldLine: number; names: number };

function newModel(): Model {
  return { known: { listed: [], clean: undefined }, perhaps: [], cut: 0, fenced: false, worldLine: 1, names: 0 };
}

function describeMeant(listed: readonly Meant[]): string {
  return listed.map((one) => `${one.worldLine}:${one.version}`).join(' ');
}

/** What the volume holds must be one of what was acknowledged and what was tried since, as far as it was not pruned. */
async function check(model: Model, claimed: ClaimedVolume): Promise<void> {
  const { checkpoints, clean, store } = claimed;
  const possible = [model.known, ...model.perhaps];
  const listedKeys = checkpoints.map((one) => `${one.worldLine}:${one.version}`).join(' ');
  const found = possible.find(
    ({ listed, clean: marker }) =>
      describeMeant(listed).endsWith(listedKeys) &&
      listed.filter((one) => one.version >= restorePoint(listed, model.cut)).length <= checkpoints.length &&
      JSON.stringify(marker) === JSON.stringify(clean),
  );
  const expected = possible.map(({ listed, clean: marker }) => `${describeMeant(listed)} ${JSON.stringify(marker)}`);
  assert(found, `found ${listedKeys} ${JSON.stringify(clean)}, not one of: ${expected.join(' | ')} from ${model.cut}`);
  assert.deepEqual(claimed.damage, []);
  const kept = found.listed.slice(found.listed.length - checkpoints.length);
  for (const meant of kept) await checkRestored(store, meant);
  model.known = { ...found, listed: kept };
  model.perhaps = [];
}

function restorePoint(listed: readonly Meant[], cut: number): number {
  return listed.findLast((one) => one.version <= cut)?.version ?? 0;
}

async function checkRestored(store: CheckpointStore, meant: Meant): Promise<void> {
  const { states, sessions, checkpoint } = await insist(() => readBack(store, meant.version));
  assert.equal(checkpoint.worldLine, meant.worldLine);
  assert.deepEqual(textsOf(states), meant.states);
  assert.deepEqual(textsOf(sessions), meant.sessions);
}

function textsOf(sections: readonly Buffer[]): string[] {
  return sections.map((bytes) => bytes.toString().trimEnd());
}

function padded(text: string | undefined, random: () => number): Buffer {
  const bytes =
    random() < 0.25 ? INLINE_LIMIT_BYTES + 1 + Math.floor(random() ** 8 * SEGMENT_BYTES) : Math.floor(random() * 1_500);
  return Buffer.from((text ?? '').padEnd(bytes));
}

function nextCheckpoint(model: Model, random: () => number): { checkpoint: NewCheckpoint; meant: Meant } {
  const newest = model.known.listed.at(-1);
  const predecessor = newest?.version ?? 0;
  const version = predecessor + 1 + Math.floor(random() * 2);
  const name = `${model.worldLine}:${version} named ${model.names++}`;
  const states = nextChain(newest?.states, `${version} state ${name}`, random);
  const sessions = nextChain(newest?.sessions, `${version} sessions ${name}`, random);
  return {
    meant: { worldLine: model.worldLine, version, states, sessions },
    checkpoint: {
      ...{ worldLine: model.worldLine, version, predecessor },
      dependencies: new Map([[1, version]]),
      stamp: { start: '0000000000000001', counter: version },
      state: { since: sinceOf(states), chunks: inChunks(padded(states.at(-1), random), random) },
      sessions: { since: sinceOf(sessions), bytes: padded(sessions.at(-1), random) },
    },
  };
}

/** From some version on that is no older than that of the newest one's, now and then its own. */
function nextChain(newest: readonly string[] = [], own: string, random: () => number): readonly string[] {
  const chain = [...newest, own];
  const dropped = random() < 0.5 ? 0 : Math.floor(random() * (chain.length + 1));
  return chain.slice(Math.min(dropped, chain.length - 1));
}

function sinceOf(chain: readonly string[]): number {
  return Number.parseInt(chain[0] ?? '');
}

function inChunks(bytes: Buffer, random: () => number): Buffer[] {
  const at = Math.floor(random() * bytes.length);
  return [bytes.subarray(0, at), bytes.subarray(at)];
}

/** Tries until it succeeds, as the worker does; disks of these tests fail only now and then. */
async function insist<T>(operation: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await operation();
    } catch (error) {
      if (error instanceof SupersededError || !(error instanceof Error) || !('code' in error)) throw error;
      if (error.code === 'ERR_ASSERTION') throw error;
    }
  }
}

/** Announces what is tried before it is, and takes it for granted once it is acknowledged. */
async function change(model: Model, next: Known, operation: () => Promise<unknown>): Promise<void> {
  model.perhaps.push(next);
  await insist(operation);
  model.known = next;
  model.perhaps = [];
}

async function appendSome(model: Model, store: CheckpointStore, random: () => number): Promise<void> {
  const appends: { checkpoint: NewCheckpoint; next: Known }[] = [];
  const before = model.known;
  for (let count = 1 + Math.floor(random() * 3); count > 0; count--) {
    const { checkpoint, meant } = nextCheckpoint(model, random);
    model.known = { ...model.known, listed: [...model.known.listed, meant] };
    appends.push({ checkpoint, next: model.known });
  }
  model.known = before;
  model.perhaps = appends.map(({ next }) => next);
  await Promise.all(
    appends.map(async ({ checkpoint, next }) => {
      for (;;) {
        try {
          await insist(() => store.append(checkpoint));
          break;
        } catch (error) {
          if (!(error instanceof AppendBlockedError)) throw error;
        }
      }
      model.known = next;
    }),
  );
  model.perhaps = [];
}

async function rollBack(model: Model, store: CheckpointStore, random: () => number): Promise<void> {
  const { listed, clean } = model.known;
  const choices = listed.filter((one) => one.version >= restorePoint(listed, model.cut));
  const target = choices[Math.floor(random() * choices.length)]?.version ?? 0;
  const kept = listed.filter((one) => one.version <= target);
  const next = { listed: kept, clean: clean && clean.version > target ? undefined : clean };
  await change(model, next, () => store.dropAfter(target));
  model.worldLine++;
}

/** What a worker does all day. */
async function work(model: Model, store: CheckpointStore, incarnation: number, random: () => number): Promise<never> {
  for (;;) {
    const { listed, clean } = model.known;
    const newest = listed.at(-1)?.version ?? 0;
    const dice = random();
    if (clean !== undefined && dice < 0.7) {
      await change(model, { listed, clean: undefined }, () => store.clearClean());
    } else if (clean === undefined && dice < 0.5) {
      await appendSome(model, store, random);
    } else if (dice < 0.75) {
      // One that was fenced learns of no later cut.
      const seen = listed[Math.floor(random() * listed.length)]?.version ?? 0;
      if (!model.fenced) model.cut = Math.max(model.cut, seen);
      await insist(() => store.prune(model.cut));
    } else if (dice < 0.85) {
      await rollBack(model, store, random);
    } else if (dice < 0.92) {
      const marker = { incarnation, worldLine: model.worldLine, version: newest };
      await change(model, { listed, clean: marker }, () => store.markClean(marker));
    } else {
      const target = listed.filter((one) => one.version >= restorePoint(listed, model.cut)).at(-1);
      if (target !== undefined) await checkRestored(store, target);
    }
  }
}

async function live(model: Model, disk: Disk, incarnation: number, random: () => number): Promise<void> {
  await insist(() => surveyVolume(disk));
  const claimed = await insist(() =>
    claimVolume(disk, { identity: IDENTITY, incarnation, segmentBytes: SEGMENT_BYTES }),
  );
  await check(model, claimed);
  await work(model, claimed.store, incarnation, random);
}

/** Without errors while a volume is read: those end a process, and a test of lives has processes that die anyway. */
function unreliable(random: () => number): Process {
  const errors: Fate[] = ['EIO', 'ENOSPC'];
  const risky = ['write', 'datasync', 'syncDirectory', 'rename', 'unlink', 'open'];
  return ({ operation }) => {
    if (!risky.includes(operation) || random() > 0.06) return 'done';
    return errors[Math.floor(random() * errors.length)] ?? 'EIO';
  };
}

async function lives(seed: number, lastSteps: readonly number[], reliable: boolean): Promise<void> {
  const random = seeded(seed);
  const sim = simDisk(random);
  const model = newModel();
  let incarnation = 0;
  for (const last of lastSteps) {
    const { process, died } = mortal(last, reliable ? healthy : unreliable(random));
    incarnation += 1 + Math.floor(random() * 2);
    await Promise.race([live(model, sim.mount(process), incarnation, random), died]);
    if (random() < 0.5) sim.cutPower();
  }
  const claimed = await claimVolume(sim.mount(healthy), {
    identity: IDENTITY,
    incarnation: incarnation + 1,
    segmentBytes: SEGMENT_BYTES,
  });
  await check(model, claimed);
}

/** Lets one step of several processes happen at a time, in an order that chance decides. */
function interleaving(random: () => number) {
  const waiting: { readonly process: number; readonly go: (fate: Fate) => void }[] = [];
  return {
    process: (process: number): Process => {
      return () => new Promise<Fate>((go) => waiting.push({ process, go }));
    },
    /** Lets some process take a step; `preferred` more often than the others. */
    async step(preferred: number): Promise<void> {
      for (let turn = 0; turn < 50; turn++) await Promise.resolve();
      const mine = waiting.filter((one) => one.process === preferred);
      const pool = mine.length > 0 && random() < 0.6 ? mine : waiting;
      const chosen = pool[Math.floor(random() * pool.length)];
      if (chosen === undefined) return;
      waiting.splice(waiting.indexOf(chosen), 1);
      chosen.go('done');
    },
  };
}

type Worker = { readonly incarnation: number; readonly model: Model; ended: Promise<unknown> };

/**
 * Runs `done` to its end while every process goes on. Nothing of what a predecessor appended after it was fenced has to be
 * there, but what is there can be restored, unless a cut or a rollback that the predecessor knew has made it useless.
 */
async function succeed(sim: SimDisk, seed: number): Promise<void> {
  const random = seeded(seed);
  const scheduler = interleaving(random);
  const workers: Worker[] = [];
  for (let incarnation = 1; incarnation <= 4; incarnation++) {
    const predecessor = workers.at(-1);
    const fenced = predecessor && { ...predecessor.model, known: predecessor.model.known };
    if (predecessor) predecessor.model.fenced = true;
    const model: Model = { ...newModel(), cut: fenced?.cut ?? 0, worldLine: incarnation * 1_000, names: seed * 1_000 };
    const disk = sim.mount(scheduler.process(incarnation));
    let claimed = false;
    const claiming = claimVolume(disk, { identity: IDENTITY, incarnation, segmentBytes: SEGMENT_BYTES }).then(
      async (volume) => {
        await checkInheritance(volume, fenced, predecessor);
        model.known = { listed: await inherited(volume, model.cut), clean: volume.clean };
        claimed = true;
        return volume;
      },
    );
    const ended = claiming.then((volume) => work(model, volume.store, incarnation, random));
    ended.catch(() => undefined);
    workers.push({ incarnation, model, ended });
    for (let steps = 0; !claimed || steps < 150; steps++) {
      await scheduler.step(incarnation);
      assert(steps < 20_000, 'a claim never ends');
      if (!claimed) await failFast(claiming);
    }
  }
  for (const worker of workers.slice(0, -1)) {
    await failFast(worker.ended.catch((error: unknown) => assert(error instanceof SupersededError, String(error))));
  }
  await failFast(workers.at(-1)?.ended);
}

/** Rejects if the promise has; does not wait for it. */
async function failFast(promise: Promise<unknown> | undefined): Promise<void> {
  await Promise.race([promise, Promise.resolve()]);
}

/** Everything that the predecessor relied on when it was fenced, and still does, is there. */
async function checkInheritance(volume: ClaimedVolume, fenced: Model | undefined, predecessor: Worker | undefined) {
  if (fenced === undefined || predecessor === undefined) return;
  const { listed } = predecessor.model.known;
  const still = (one: Meant) =>
    one.version >= restorePoint(listed, predecessor.model.cut) &&
    [predecessor.model.known, ...predecessor.model.perhaps].every((known) => known.listed.includes(one));
  for (const meant of fenced.known.listed.filter(still)) await checkRestored(volume.store, meant);
}

/** What the successor goes on with: a prefix at or above the cut, as if it had been rolled back to it. */
async function inherited(volume: ClaimedVolume, cut: number): Promise<Meant[]> {
  const listed: Meant[] = [];
  const prefix = volume.checkpoints.findLast((one) => one.version <= cut)?.version ?? 0;
  await volume.store.dropAfter(prefix);
  for (const { worldLine, version } of volume.checkpoints.filter((one) => one.version === prefix)) {
    const { states, sessions } = await readBack(volume.store, version);
    listed.push({ worldLine, version, states: textsOf(states), sessions: textsOf(sessions) });
  }
  return listed;
}

export interface Depth {
  /** Of the steps in which a process dies, every so many-th is tried. */
  readonly every: number;
  /** Seeds for each step of a claim, */
  readonly claims: number;
  /** for lives on an unreliable disk, and for workers that go on beside their successors. */
  readonly lives: number;
  readonly zombies: number;
}

export function describeVolumeCrashes(depth: Depth): void {
  describe('a volume whose process dies', () => {
    it('has all that was acknowledged and nothing else, whichever step it dies in, with and without the power', async () => {
      for (let last = 0; last < 260; last += depth.every) await lives(last, [last], true);
    });

    it('is claimed as it was after dying in each step of a claim', async () => {
      for (let last = 0; last < 45; last++) {
        for (let seed = 1; seed <= depth.claims; seed++) await lives(seed, [100, last, last], true);
      }
    });

    it('has all that was acknowledged over many lives on an unreliable disk', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 0, max: 2 ** 31 }),
          fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 8 }),
          (seed, lastSteps) => lives(seed, lastSteps, false),
        ),
        { numRuns: depth.lives },
      );
    });
  });

  describe('a volume with a zombie', () => {
    it('gives each successor all that was acknowledged, and keeps what the successor writes', async () => {
      for (let seed = 1; seed <= depth.zombies; seed++) await succeed(simDisk(seeded(seed)), seed);
    });
  });
}
