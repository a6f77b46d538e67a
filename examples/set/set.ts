/** A set of texts as a worker of a DPR cluster: what was seen before, and what was not. */
import { MalformedOperations, type StateObject, type WorkerType } from '@dpr/runtime';
import { ANSWERS, decodeOperations, encodeOperations, SET_TYPE, type Operation } from './operations.ts';

export const set: WorkerType = { name: SET_TYPE, create: () => createSet() };

const MAX_MEMBERS = 1_000_000;

export function createSet(maxMembers = MAX_MEMBERS): StateObject {
  let members = new Set<string>();

  function perform({ kind, member }: Operation): number {
    if (kind === 'has') return members.has(member) ? ANSWERS.yes : ANSWERS.no;
    if (kind === 'remove') return members.delete(member) ? ANSWERS.yes : ANSWERS.no;
    if (members.has(member)) return ANSWERS.no;
    if (members.size >= maxMembers) return ANSWERS.full;
    members.add(member);
    return ANSWERS.yes;
  }

  return {
    apply(bytes, count) {
      const operations = decodeOperations(bytes); // all of them, before the first one changes anything
      if (operations?.length !== count) throw new MalformedOperations(`these are not ${count} operations of a set`);
      return Uint8Array.from(operations, perform);
    },
    // A snapshot is the operations that make the set.
    snapshot: () => encodeOperations('add', [...members]),
    restore(snapshot) {
      members = new Set();
      if (snapshot === undefined) return;
      const operations = snapshot instanceof Uint8Array ? decodeOperations(snapshot) : undefined;
      if (operations === undefined) throw new Error('the snapshot is not one of a set');
      for (const { member } of operations) members.add(member);
    },
  };
}
