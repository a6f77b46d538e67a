/** Who the workers are, as the Finder last told. */
import type { Member, MessageOf } from '@dpr/protocol';
import { workerAddress } from './addresses.ts';

/** A worker of the cluster. */
export interface WorkerInfo {
  readonly id: number;
  /** Counts the lives of the id: removing a worker and adding it again is a new generation, with no old state. */
  readonly generation: number;
  /** What it serves, for instance `counter`. */
  readonly type: string;
  /** Where this client reaches it. */
  readonly address: string;
  /** It is being removed and takes no new operations. */
  readonly leaving: boolean;
}

export interface Membership {
  /** Grows with each change; 0 before the first answer. */
  readonly version: number;
  readonly members: ReadonlyMap<number, Member>;
  /** Ids that are members no more, and their last generation. */
  readonly removed: ReadonlyMap<number, number>;
}

export const NO_MEMBERSHIP: Membership = { version: 0, members: new Map(), removed: new Map() };

export function membershipOf({ version, members, removed }: MessageOf<'cluster'>): Membership {
  return {
    version,
    members: new Map(members.map((member) => [member.id, member])),
    removed: new Map(removed.map(({ id, generation }) => [id, generation])),
  };
}

/** The workers, as an application is told of them. @param finder by which address the Finder was reached */
export function workersOf({ members }: Membership, finder: URL): WorkerInfo[] {
  return [...members.values()].map((member) => {
    const { id, generation, type, leaving } = member;
    return { id, generation, type, address: workerAddress(finder, member), leaving };
  });
}

/** The members, for people. */
export function describeMembers({ members }: Membership): string {
  return describeIds([...members.keys()].sort((a, b) => a - b));
}

/** The members' ids for people, not too many of them. */
function describeIds(ids: readonly number[]): string {
  const shown = 20;
  if (ids.length === 0) return 'no workers yet';
  const more = ids.length > shown ? `, … (${ids.length} in all)` : '';
  return `workers ${ids.slice(0, shown).join(', ')}${more}`;
}
