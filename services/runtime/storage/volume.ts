import assert from 'node:assert/strict';
import { type StateSource, stateSource } from './checkpoint-reader.ts';
import { type CheckpointStore, openCheckpointStore } from './checkpoint-store.ts';
import { type Disk, pathOf, withFile } from './disk.ts';
import { StorageDamagedError, SupersededError, WrongVolumeError, systemCode } from './errors.ts';
import { decodeFrame, encodeFrame } from './frame.ts';
import { CLAIM_ATTEMPTS, SEGMENT_BYTES } from './limits.ts';
import { type InlineSource, type ManifestLog, createManifestLog, refuseIfSuperseded } from './manifest-log.ts';
import {
  CHAINS,
  type Chain,
  type Checkpoint,
  type CleanMarker,
  EMPTY_STATE,
  type Entry,
  type FinderStamp,
  type Identity,
  type Manifest,
  type ManifestHead,
  type ManifestState,
  checkpointOf,
  identityOf,
  isRestorable,
  readManifest,
  unrestorable,
} from './manifest.ts';
import { fieldsOf } from './meta.ts';
import { IDENTITY_FILE, identityDraft, manifestIncarnations, manifestName, nextSegment } from './file-names.ts';
import type { Depth } from './part-files.ts';
import { checkSection } from './section-reader.ts';

/** What a volume holds, as its newest manifest says. */
export type Survey = {
  /** Absent: the volume is empty. */
  readonly identity: Identity | undefined;
  /** The newest that wrote a manifest here; 0 when none did. */
  readonly incarnation: number;
  /** Ascending by version; only those that can be restored. */
  readonly checkpoints: readonly Checkpoint[];
  readonly clean: CleanMarker | undefined;
  /** The latest record of the Finder that this worker saw. */
  readonly stamp: FinderStamp | undefined;
  /**
   * Sentences for people about checkpoints that the manifest lists and that cannot be restored. Only the cut says whether
   * one of them matters.
   */
  readonly damage: readonly string[];
};

/** A volume that belongs to this incarnation now. */
export type ClaimedVolume = Omit<Survey, 'identity' | 'incarnation'> & { readonly store: CheckpointStore };

export type Claim = {
  readonly identity: Identity;
  /** As handed out by the Finder, which has fenced every earlier one. */
  readonly incarnation: number;
  /** How large segments are, if not SEGMENT_BYTES: a multiple of EXTENT_ALIGNMENT_BYTES. */
  readonly segmentBytes?: number;
};

/**
 * Looks for the state of one checkpoint of a volume that no process writes to any more, without changing anything.
 * @param maxStateBytes a state that is larger is not read, unless it is a store's own file
 * @throws StorageDamagedError when it is not there, or not as it was written; StateTooLargeError, system errors
 */
export async function findState(
  disk: Disk,
  identity: Identity,
  version: number,
  maxStateBytes: number,
): Promise<StateSource> {
  const names = await disk.list();
  const found = await readIdentity(disk, names);
  const incarnation = manifestIncarnations(names).at(-1) ?? 0;
  const loaded =
    found !== undefined && sameIdentity(found, identity) ? await loadManifest(disk, incarnation, identity) : undefined;
  const entries = loaded?.manifest.state.entries ?? [];
  const entry = entries.find((one) => one.version === version);
  if (entry === undefined || !isRestorable(entry)) {
    throw new StorageDamagedError(`${disk.directory} does not hold checkpoint ${version} of ${describe(identity)}`);
  }
  return stateSource({ disk, entries, inline: inlineOf(loaded) }, entry, maxStateBytes);
}

type Loaded = { readonly manifest: Manifest; readonly bytes: Buffer };
type Found = { readonly state: ManifestState; readonly damage: readonly string[] };

/**
 * Looks at a volume without changing anything; a predecessor may still be writing to it. Files are looked for, and not read
 * through.
 * @throws StorageDamagedError when identity or manifest cannot be believed
 */
export async function surveyVolume(disk: Disk): Promise<Survey> {
  for (let attempt = 1; ; attempt++) {
    const names = await disk.list();
    const identity = await readIdentity(disk, names);
    const incarnation = manifestIncarnations(names).at(-1) ?? 0;
    const loaded = identity && incarnation > 0 ? await loadManifest(disk, incarnation, identity) : undefined;
    const { state, damage } = await inspect(disk, loaded?.manifest.state ?? EMPTY_STATE, 'present');
    const gone = incarnation > 0 && loaded === undefined;
    if (gone || (damage.length > 0 && (await changed(disk, loaded)))) {
      if (attempt < CLAIM_ATTEMPTS) continue;
      throw new SupersededError(`${disk.directory} kept changing while it was read: another process uses it`);
    }
    return { identity, incarnation, checkpoints: restorable(state), clean: state.clean, stamp: state.stamp, damage };
  }
}

/**
 * Takes the volume over, after the Finder has fenced every earlier incarnation: reads and verifies what is there, and carries
 * it over into a manifest of its own. That makes it durable, also what was read from a cache that never reached the disk:
 * the files that an entry refers to were synced before it was written. From then on nothing counts that a predecessor writes.
 * @throws WrongVolumeError, StorageDamagedError, SupersededError
 */
export async function claimVolume(disk: Disk, claim: Claim): Promise<ClaimedVolume> {
  assert(claim.incarnation > 0, 'incarnations begin at 1');
  for (let attempt = 1; attempt <= CLAIM_ATTEMPTS; attempt++) {
    const claimed = await tryClaim(disk, claim, attempt);
    if (claimed !== undefined) return claimed;
  }
  throw new SupersededError(
    `${disk.directory} kept changing while incarnation ${claim.incarnation} claimed it: another process uses it`,
  );
}

/** Undefined when a predecessor changed the volume meanwhile. */
async function tryClaim(disk: Disk, claim: Claim, attempt: number): Promise<ClaimedVolume | undefined> {
  const { identity, incarnation, segmentBytes = SEGMENT_BYTES } = claim;
  await refuseIfSuperseded(disk, incarnation);
  await ensureIdentity(disk, claim);
  const inheritance = await findInheritance(disk, claim);
  if (inheritance === undefined) return undefined;
  const { below, ownEdition, loaded, segment } = inheritance;

  const { state, damage } = await inspect(disk, loaded?.manifest.state ?? EMPTY_STATE, 'whole');
  // A predecessor that was only tidying up changed its manifest before it removed any file.
  if (damage.length > 0 && (await changed(disk, loaded))) return undefined;

  const head: ManifestHead = { identity, incarnation, edition: ownEdition + attempt, base: below };
  const log = await createManifestLog(disk, head, state, inlineOf(loaded));
  if (await overtaken(disk, incarnation, below, log)) return undefined;
  const { clean, stamp } = log.state();
  const store = openCheckpointStore(disk, head, log, { next: segment, bytes: segmentBytes });
  return { store, checkpoints: restorable(state), clean, stamp, damage };
}

/**
 * What a claim begins with. `below`: the newest earlier incarnation with a manifest. `ownEdition`: of an earlier claim. `segment`: the first
 * number that no segment of an earlier claim has.
 */
type Inheritance = {
  readonly below: number;
  readonly ownEdition: number;
  readonly segment: number;
  readonly loaded: Loaded | undefined;
};

/** Undefined when the manifest to read is gone. */
async function findInheritance(disk: Disk, { identity, incarnation }: Claim): Promise<Inheritance | undefined> {
  const names = await disk.list();
  const incarnations = manifestIncarnations(names);
  const segment = nextSegment(names, incarnation);
  const below = incarnations.filter((one) => one < incarnation).at(-1) ?? 0;
  const own = incarnations.includes(incarnation) ? await loadManifest(disk, incarnation, identity) : undefined;
  const ownEdition = own?.manifest.head.edition ?? 0;
  // What this incarnation itself has carried over from there is newer, if it claimed before.
  if (below === 0 || own?.manifest.head.base === below) return { below, ownEdition, segment, loaded: own };
  const loaded = await loadManifest(disk, below, identity);
  return loaded && { below, ownEdition, segment, loaded };
}

/** The inline parts of a manifest that is in memory. */
function inlineOf(loaded: Loaded | undefined): InlineSource {
  return ({ at, bytes }) => {
    assert(loaded);
    return Promise.resolve(loaded.bytes.subarray(at, at + bytes));
  };
}

/**
 * Whether a manifest below ours appeared after we looked, of an incarnation that claimed before us and was slower. Both write
 * first and look then, so at least one sees the other.
 */
async function overtaken(disk: Disk, incarnation: number, below: number, log: ManifestLog): Promise<boolean> {
  let isOvertaken = true;
  try {
    await refuseIfSuperseded(disk, incarnation);
    const earlier = manifestIncarnations(await disk.list()).filter((one) => one < incarnation);
    isOvertaken = (earlier.at(-1) ?? 0) > below;
    return isOvertaken;
  } finally {
    if (isOvertaken) await log.close();
  }
}

async function changed(disk: Disk, loaded: Loaded | undefined): Promise<boolean> {
  if (loaded === undefined) return false;
  const { incarnation, identity } = loaded.manifest.head;
  const again = await loadManifest(disk, incarnation, identity);
  return again?.bytes.equals(loaded.bytes) !== true;
}

/** Undefined when the file is gone. */
async function loadManifest(disk: Disk, incarnation: number, identity: Identity): Promise<Loaded | undefined> {
  const name = manifestName(incarnation);
  let bytes: Buffer;
  try {
    bytes = await withFile(disk, name, 'read', async (file) => file.read(0, await file.size()));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  const manifest = readManifest(pathOf(disk, name), incarnation, bytes);
  if (!sameIdentity(identity, manifest.head.identity)) {
    throw new StorageDamagedError(
      `${pathOf(disk, name)} is of ${describe(manifest.head.identity)}, but the directory is of ${describe(identity)}: ` +
        'files of several directories were mixed. Restore the directory from a backup',
    );
  }
  return { manifest, bytes };
}

/** Looks at the files that the entries refer to, and leaves out what cannot be restored. */
async function inspect(disk: Disk, state: ManifestState, depth: Depth): Promise<Found> {
  const damage: string[] = [];
  const entries: Entry[] = [];
  /** The version from which on the sections of all entries so far are there, of each chain. */
  const intact = { state: 0, sessions: 0 };
  for (const entry of state.entries) {
    const faulty = new Set<Chain>();
    for (const chain of CHAINS) {
      const fault = await faultOf(disk, entry, chain, depth);
      if (fault === undefined) continue;
      damage.push(fault);
      faulty.add(chain);
      intact[chain] = entry.version + 1;
    }
    const isWhole = isRestorable(entry) && CHAINS.every((chain) => entry[chain].since >= intact[chain]);
    // A section that is there may still be what a later checkpoint needs.
    const left = isWhole ? entry : unrestorable(entry, (chain) => !faulty.has(chain));
    if (left !== undefined) entries.push(left);
  }
  const last = entries.findLastIndex(isRestorable);
  return { state: { ...state, entries: entries.slice(0, last + 1) }, damage };
}

async function faultOf(disk: Disk, entry: Entry, chain: Chain, depth: Depth): Promise<string | undefined> {
  const section = entry[chain];
  if (section === undefined || section.place === 'inline') return undefined;
  return checkSection(disk, { entry, chain, section }, depth);
}

function restorable(state: ManifestState): Checkpoint[] {
  return state.entries.filter(isRestorable).map(checkpointOf);
}

/** Undefined when the volume is empty. */
async function readIdentity(disk: Disk, names: readonly string[]): Promise<Identity | undefined> {
  if (!names.includes(IDENTITY_FILE)) {
    if (manifestIncarnations(names).length === 0) return undefined;
    throw new StorageDamagedError(
      `${pathOf(disk, IDENTITY_FILE)} is missing beside checkpoints, so it is not known which worker's data this is. ` +
        'Restore it from a backup of this directory',
    );
  }
  const bytes = await withFile(disk, IDENTITY_FILE, 'read', async (file) => file.read(0, await file.size()));
  const frame = decodeFrame(bytes, 0);
  if (frame?.kind === 'identity') return identityOf(fieldsOf(pathOf(disk, IDENTITY_FILE), frame.meta));
  throw new StorageDamagedError(
    `${pathOf(disk, IDENTITY_FILE)} is damaged, so it is not known which worker's data this is. Restore it from a backup ` +
      'of this directory',
  );
}

/**
 * Written once and atomically, when the volume is empty; otherwise it must be the same. Its name is durable before there are
 * manifests beside it, also where the process that made it died before that.
 */
async function ensureIdentity(disk: Disk, { identity, incarnation }: Claim): Promise<void> {
  const found = await readIdentity(disk, await disk.list());
  if (found === undefined) {
    const frame = encodeFrame('identity', { incarnation: 0, edition: 0, position: 0 }, identity, [], 1);
    const draft = identityDraft(incarnation);
    await withFile(disk, draft, 'create', async (file) => {
      await file.writeAt(0, frame);
      await file.datasync();
    });
    await disk.rename(draft, IDENTITY_FILE);
  } else if (!sameIdentity(found, identity)) {
    throw new WrongVolumeError(
      `${disk.directory} holds the data of ${describe(found)} and cannot serve ${describe(identity)}. ` +
        'Give this worker its own directory, or an empty one',
    );
  }
  await disk.syncDirectory();
}

function sameIdentity(a: Identity, b: Identity): boolean {
  return a.cluster === b.cluster && a.worker === b.worker && a.generation === b.generation;
}

function describe({ cluster, worker, generation }: Identity): string {
  return `worker ${worker}, generation ${generation}, in cluster ${cluster}`;
}
