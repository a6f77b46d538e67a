/** How applications talk to a set, through a session of the client library. */
import type { CallOptions, Session } from '@dpr/client';
import { ANSWERS, encodeOperations, type Kind, SET_TYPE } from './operations.ts';

/** One answer for each member, in order. */
export interface Answers {
  /** As the worker gave them, at memory speed; a failure may still take back what was done. */
  readonly completed: Promise<boolean[]>;
  /** Once nothing can take it back. */
  readonly committed: Promise<boolean[]>;
}

export interface RemoteSet {
  /** Which were not there before. @throws RangeError when one is too long; rejects with SetFullError */
  add(members: readonly string[], options?: CallOptions): Answers;
  /** Which were there. */
  remove(members: readonly string[], options?: CallOptions): Answers;
  /** Which are there. */
  has(members: readonly string[], options?: CallOptions): Answers;
}

export class SetFullError extends Error {
  override readonly name = 'SetFullError';
}

/**
 * The set with this worker id.
 *
 * @example
 * const seen = setOf(session, 2);
 * const [isNew] = await seen.add(['order-17']).committed;
 */
export function setOf(session: Session, id: number): RemoteSet {
  const worker = session.worker(id, SET_TYPE);
  const ask = (kind: Kind, members: readonly string[], options?: CallOptions): Answers => {
    const outcome = worker.call(encodeOperations(kind, members), members.length, options);
    return {
      get completed() {
        return outcome.then(read);
      },
      get committed() {
        return outcome.committed.then(read);
      },
    };
  };
  return {
    add: (members, options) => ask('add', members, options),
    remove: (members, options) => ask('remove', members, options),
    has: (members, options) => ask('has', members, options),
  };
}

function read(results: Uint8Array): boolean[] {
  if (results.includes(ANSWERS.full)) throw new SetFullError('the set is full; what fitted into it was added');
  return Array.from(results, (answer) => answer === ANSWERS.yes);
}
