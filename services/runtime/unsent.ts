/** Output of all connections of a port that peers have not read yet, and its limit: when that is passed, who has most is disconnected. */

/** One connection's part. */
export interface UnsentPart {
  /** Tell how much is unsent. May close this connection, or another one. */
  set(bytes: number): void;
  /** It is closed. */
  end(): void;
}

export interface Unsent {
  /** Of all connections. */
  bytes(): number;
  join(close: () => void): UnsentPart;
}

interface Holder {
  bytes: number;
  readonly close: () => void;
}

/** A peer that was closed loses nothing: replies are kept, and what it sends again is answered. */
export function limitUnsent(maxBytes: number): Unsent {
  const holders = new Set<Holder>();
  let total = 0;

  function leave(holder: Holder): void {
    total -= holder.bytes;
    holder.bytes = 0;
    holders.delete(holder);
  }

  function shed(): void {
    while (total > maxBytes) {
      let most: Holder | undefined;
      for (const holder of holders) if (holder.bytes > (most?.bytes ?? 0)) most = holder;
      if (most === undefined) return;
      leave(most);
      most.close();
    }
  }

  return {
    bytes: () => total,
    join(close) {
      let open = true;
      const own: Holder = {
        bytes: 0,
        close() {
          open = false;
          close();
        },
      };
      return {
        set(bytes) {
          if (!open || bytes === own.bytes) return;
          total += bytes - own.bytes;
          own.bytes = bytes;
          if (bytes > 0) holders.add(own);
          else holders.delete(own);
          if (total > maxBytes) shed();
        },
        end() {
          open = false;
          leave(own);
        },
      };
    },
  };
}
