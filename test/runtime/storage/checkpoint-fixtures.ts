/** What the tests of checkpoint stores have in common: a volume, the checkpoints on it, and a process whose disk fails. */
import assert from 'node:assert/strict';
import {
  type CheckpointStore,
  type ClaimedVolume,
  type Disk,
  INLINE_LIMIT_BYTES,
  type Identity,
  type NewCheckpoint,
  type StateReader,
  claimVolume,
} from '../../../services/runtime/storage/index.ts';
import {
  type Chain,
  type Entry,
  type Extent,
  outsideOf,
  readManifest,
} from '../../../services/runtime/storage/manifest.ts';
import { manifestIncarnations, manifestName } from '../../../services/runtime/storage/file-names.ts';
import type { Fate, SimDisk, Step } from './sim-disk.ts';

export const IDENTITY: Identity = { cluster: '0123456789abcdef0123456789abcdef', worker: 3, generation: 1 };
export const STAMP = { start: '00112233aabbccdd', counter: 7 };
export const LARGE = INLINE_LIMIT_BYTES + 1;

export function claimOn(disk: Disk, incarnation: number): Promise<ClaimedVolume> {
  return claimVolume(disk, { identity: IDENTITY, incarnation });
}

/** A state that is bytes is whole by itself. */
type Options = Partial<Omit<NewCheckpoint, 'state'>> & { readonly state?: NewCheckpoint['state'] | Uint8Array };

export function checkpoint(version: number, options: Options = {}): NewCheckpoint {
  const { state = Buffer.from(`state ${version}`), ...others } = options;
  return {
    worldLine: 1,
    version,
    predecessor: version - 1,
    dependencies: new Map([[9, version - 1]]),
    stamp: STAMP,
    state: state instanceof Uint8Array ? { since: version, chunks: [state] } : state,
    sessions: { since: version, bytes: Buffer.from(`sessions ${version}`) },
    ...others,
  };
}

export function delta(version: number, since: number, bytes = Buffer.from(`delta ${version}`)): Options {
  return { sessions: { since, bytes } };
}

/** A state that needs the sections of the checkpoints since then. */
export function change(version: number, since: number, bytes = Buffer.from(`change ${version}`)): Options {
  return { state: { since, chunks: [bytes] } };
}

export async function appendAll(store: CheckpointStore, from: number, to: number, options: Options = {}) {
  for (let version = from; version <= to; version++) await store.append(checkpoint(version, options));
}

/** Keeps the sections of a state by version. */
export function stateReader(maxStateBytes = Infinity) {
  const sections = new Map<number, Buffer>();
  const ended = new Set<number>();
  const reader: StateReader = {
    maxStateBytes,
    openState: () => (piece) => {
      assert(!ended.has(piece.version), 'nothing follows the last piece of a section');
      sections.set(piece.version, Buffer.concat([sections.get(piece.version) ?? Buffer.alloc(0), piece.bytes]));
      if (piece.isLast) ended.add(piece.version);
    },
  };
  return { ...reader, sections };
}

/** What is restored, with the sections that it is read from. */
export async function readBack(store: CheckpointStore, version: number) {
  const sessions: Buffer[] = [];
  const { sections, ...reader } = stateReader();
  const restored = await store.restore(version, { ...reader, takeSessions: (section) => sessions.push(section) });
  const states = [...sections.values()];
  if ('since' in restored.state) {
    const { since, bytes } = restored.state;
    assert.deepEqual([since, bytes], [sections.keys().next().value, Buffer.concat(states).length]);
  }
  return { ...restored, states, sessions };
}

export async function restored(store: CheckpointStore, version: number) {
  const { states, sessions } = await readBack(store, version);
  return { state: states.join(', '), sessions: sessions.map(String) };
}

export function versions({ checkpoints }: Pick<ClaimedVolume, 'checkpoints'>): number[] {
  return checkpoints.map((one) => one.version);
}

/** What the manifest of an incarnation says, without what was pruned; by default the newest. */
function entriesOn(sim: SimDisk, incarnation = manifestIncarnations(sim.names()).at(-1) ?? 0): readonly Entry[] {
  const bytes = sim.durable(manifestName(incarnation)) ?? assert.fail('there is no manifest');
  return readManifest('manifest', incarnation, bytes).state.entries;
}

/** The sections that a manifest lists outside of it, in order. */
export function sectionsOf(sim: SimDisk, incarnation: number): string {
  const sections = outsideOf(entriesOn(sim, incarnation));
  return sections.map(({ entry, chain }) => `${entry.version} ${chain}`).join(', ');
}

/** Where the newest manifest says that a section is, which is in one piece in a segment. */
export function extentOf(sim: SimDisk, version: number, chain: Chain): Extent {
  const section = entriesOn(sim).find((entry) => entry.version === version)?.[chain];
  assert(section?.place === 'segments' && section.extents.length === 1);
  return section.extents[0] ?? assert.fail();
}

/** Changes a byte of a section. @param offset counted from its frame's beginning */
export function corruptSection(sim: SimDisk, version: number, chain: Chain, offset: number): Extent {
  const extent = extentOf(sim, version, chain);
  sim.corrupt(extent.file, extent.at + offset);
  return extent;
}

export async function writeFile(disk: Disk, name: string, bytes: Buffer): Promise<void> {
  const file = await disk.open(name, 'create');
  await file.writeAt(0, bytes);
  await file.close();
}

/** A process whose steps of one kind fail while `fate` says so. */
export function failing(operation: Step['operation'], file = /.*/) {
  const control: { fate: Fate } = { fate: 'done' };
  const process = (step: Step) => (step.operation === operation && file.test(step.name) ? control.fate : 'done');
  return { control, process };
}
