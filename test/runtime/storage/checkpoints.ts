/** What the tests of checkpoint stores have in common: a volume, the checkpoints on it, and a process whose disk fails. */
import assert from 'node:assert/strict';
import {
  type CheckpointStore,
  type ClaimedVolume,
  type Disk,
  INLINE_LIMIT_BYTES,
  type Identity,
  type NewCheckpoint,
  claimVolume,
} from '../../../services/runtime/storage/index.ts';
import { type Fate, type Step } from './sim-disk.ts';

export const IDENTITY: Identity = { cluster: '0123456789abcdef0123456789abcdef', worker: 3, generation: 1 };
export const STAMP = { start: '00112233aabbccdd', counter: 7 };
export const LARGE = INLINE_LIMIT_BYTES + 1;

export function claimOn(disk: Disk, incarnation: number): Promise<ClaimedVolume> {
  return claimVolume(disk, { identity: IDENTITY, incarnation });
}

export function checkpoint(version: number, options: Partial<NewCheckpoint> = {}): NewCheckpoint {
  return {
    worldLine: 1,
    version,
    predecessor: version - 1,
    dependencies: new Map([[9, version - 1]]),
    stamp: STAMP,
    state: Buffer.from(`state ${version}`),
    sessions: { since: version, bytes: Buffer.from(`sessions ${version}`) },
    ...options,
  };
}

export function delta(version: number, since: number, bytes = Buffer.from(`delta ${version}`)): Partial<NewCheckpoint> {
  return { sessions: { since, bytes } };
}

export async function appendAll(
  store: CheckpointStore,
  from: number,
  to: number,
  options: Partial<NewCheckpoint> = {},
) {
  for (let version = from; version <= to; version++) await store.append(checkpoint(version, options));
}

/** What is restored, with the sections that it is read from. */
export async function readBack(store: CheckpointStore, version: number) {
  const sessions: Buffer[] = [];
  const restored = await store.restore(version, { take: (section) => sessions.push(section), maxStateBytes: Infinity });
  return { ...restored, sessions };
}

export async function restored(store: CheckpointStore, version: number) {
  const { state, sessions } = await readBack(store, version);
  assert('bytes' in state);
  return {
    state: state.bytes.toString(),
    sessions: sessions.map(String),
  };
}

export function versions({ checkpoints }: Pick<ClaimedVolume, 'checkpoints'>): number[] {
  return checkpoints.map((one) => one.version);
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
