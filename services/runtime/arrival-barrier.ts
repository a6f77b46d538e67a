/**
 * Finds out when everything has arrived that peers sent before a moment: when each that was connected then has answered a ping since,
 * which comes behind all that it sent before, or is gone.
 */

/** Who is told, in turn. */
export interface ArrivalsUser {
  /** From now on each peer is asked. */
  asked(): void;
  /** Each of them has answered, or is gone. */
  answered(): void;
  /** Is a peer that does not answer for long to be disconnected, and not waited for? */
  isUrgent(): boolean;
}

export interface Arrivals<Peer> {
  /** Asks again, or anew once all have answered. @returns what a ping says */
  ask(peers: Iterable<Peer>): Buffer;
  /** What a pong says, of a peer. */
  heard(peer: Peer, data: Buffer): void;
  gone(peer: Peer): void;
  /** Those who were asked so many times and did not answer, if that is urgent. */
  overdue(times: number): readonly Peer[];
}

const NUMBER_BYTES = 4;

export function createArrivals<Peer>(user: ArrivalsUser | undefined): Arrivals<Peer> {
  const awaited = new Set<Peer>();
  let number = Buffer.alloc(NUMBER_BYTES);
  let times = 0;

  function gone(peer: Peer): void {
    if (awaited.delete(peer) && awaited.size === 0) user?.answered();
  }

  return {
    ask(peers) {
      times++;
      if (user === undefined || awaited.size > 0) return number;
      times = 1;
      const next = Buffer.alloc(NUMBER_BYTES);
      next.writeUInt32LE((number.readUInt32LE() + 1) >>> 0);
      number = next;
      user.asked();
      for (const peer of peers) awaited.add(peer);
      if (awaited.size === 0) user.answered();
      return number;
    },
    heard(peer, data) {
      if (data.equals(number)) gone(peer);
    },
    gone,
    overdue: (most) => (times >= most && user?.isUrgent() ? [...awaited] : []),
  };
}
