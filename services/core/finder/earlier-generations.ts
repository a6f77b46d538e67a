/**
 * What a new generation of an id begins with. Removing a worker deletes nothing: its volume keeps what was committed, and the Finder
 * remembers which checkpoint that is. So a worker that is added again begins with that state or without, as its entry says in one
 * word; it begins with neither while the word is missing.
 */
import { MAX_KEPT_GENERATIONS, type ErrorCode, type MessageOf } from '@dpr/protocol';
import { largest } from '../arrays.ts';
import { survivingVersion } from '../world-lines.ts';
import type { FinderRecord, MemberRecord, Removal, Seed } from './record.ts';

type Claim = MessageOf<'claim'>;
type Held = Claim['checkpoints'];

/** Why a worker may not join, for an administrator. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly detail?: number;
  readonly text: string;
}

/** What the first incarnation of a new generation is told, or why there is none. */
export function beginning(record: FinderRecord, message: Claim): { readonly seed: Seed | undefined } | Refusal {
  const { worker: id, state, from } = message;
  const newest = record.tombstones.get(id)?.generation ?? 0;
  if (message.removed < newest) {
    const text = `generation ${newest} of worker ${id} was removed, perhaps after its volume was looked at`;
    return { code: 'surveyAgain', text, detail: newest };
  }
  const volumes = volumesOf(message);
  if (volumes.size > MAX_KEPT_GENERATIONS) {
    return refused(
      `the volume of worker ${id} keeps ${volumes.size} earlier generations, and ${MAX_KEPT_GENERATIONS} is the limit: delete one (dpr volumes delete ${id} GENERATION)`,
    );
  }
  if (state === 'empty') return { seed: undefined };
  const removals = record.tombstones.get(id)?.removals ?? [];
  const removalOf = (generation: number): Removal | undefined => removals.find((one) => one.generation === generation);
  const worthKeeping = [...volumes.keys()].filter((generation) => removalOf(generation)?.version !== 0);
  const generation = from === 0 ? largest(worthKeeping, 0) : from;
  if (state === 'unsaid') {
    return generation === 0 ? { seed: undefined } : { code: 'stateUnsaid', text: unsaidText(id, generation) };
  }
  const removal = removalOf(generation);
  if (generation === 0 || !volumes.has(generation)) {
    const what = generation === 0 ? 'no earlier generation' : `no generation ${generation}`;
    return refused(
      `worker ${id} is to begin with what is kept, and its volume has ${what}: bring back the right volume, or write state: empty in its entry`,
    );
  }
  if (removal === undefined) {
    return refused(
      `the Finder does not remember what was committed of generation ${generation} of worker ${id}: write state: empty in its entry, or name another generation`,
    );
  }
  if (removal.version === 0) return { seed: undefined };
  const seed = seedOf(record, message, volumes, removal);
  if (seed !== undefined) return { seed };
  return refused(
    `version ${removal.version} of generation ${generation} of worker ${id} was committed when it was removed, and the volume does not hold that checkpoint: bring back the right volume, or write state: empty in its entry`,
  );
}

/**
 * Can a member of which nothing is committed be given the state that it is to begin with? Its own volume has that once it served; before
 * that it must be on the earlier generation's.
 */
export function holdsSeed(record: FinderRecord, message: Claim, member: MemberRecord): boolean {
  const { seed, generation, base: version } = member;
  if (seed === undefined) return true;
  return seedOf(record, message, volumesOf(message), { generation, version, seed }) !== undefined;
}

/** What is to be remembered of a member that is removed when the cut has `version` of it. */
export function removalOf({ generation, base, seed }: MemberRecord, version: number): Removal {
  return { generation, version: version > base || seed !== undefined ? version : 0, seed };
}

/** The checkpoint that has the state which a generation had at its removal: its own, or else what it was to begin with. */
function seedOf(
  record: FinderRecord,
  { worker }: Claim,
  volumes: ReadonlyMap<number, Held>,
  { generation, version, seed }: Removal,
): Seed | undefined {
  const holds = (one: Seed): boolean =>
    volumes
      .get(one.generation)
      ?.some(
        (held) =>
          held.version === one.version && held.version <= survivingVersion(record.decisions, worker, held.worldLine),
      ) ?? false;
  return [{ generation, version }, ...(seed === undefined ? [] : [seed])].find(holds);
}

/** Every generation on the volume, with its checkpoints. */
function volumesOf({ generation, checkpoints, kept }: Claim): Map<number, Held> {
  const volumes = new Map(kept.map((one) => [one.generation, one.checkpoints]));
  return generation === 0 ? volumes : volumes.set(generation, checkpoints);
}

function refused(text: string): Refusal {
  return { code: 'volumeRefused', text };
}

function unsaidText(id: number, generation: number): string {
  return `worker ${id} was removed, and generation ${generation} of it is kept. Write in its entry state: kept to go on with what was committed of that, or state: empty to begin without; what is kept stays`;
}
