/** Bytes that connections hold, and how many they may hold together: when that is passed, who holds most is disconnected. */

/** One connection's part. */
export interface BudgetPart {
  /** Tell how much it holds. May close this connection, or another one. */
  set(bytes: number): void;
  /** It is closed. */
  end(): void;
}

export interface Budget {
  /** Of all connections. */
  bytes(): number;
  /** How many connections had to give way so far. */
  gaveWay(): number;
  join(close: () => void): BudgetPart;
}

/** What one kind of peers shares. */
export interface Budgets {
  /** Input that waits: of messages that are not complete, and frames that are held back until answers were read. */
  readonly received: Budget;
  /** Output that was not taken over by the system. */
  readonly unsent?: Budget;
}

interface Holder {
  bytes: number;
  readonly close: () => void;
}

/** A peer that was closed loses nothing: replies are kept, and what it sends again is answered. */
export function limitBytes(maxBytes: number): Budget {
  const holders = new Set<Holder>();
  let total = 0;
  let gaveWay = 0;

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
      gaveWay++;
      most.close();
    }
  }

  return {
    bytes: () => total,
    gaveWay: () => gaveWay,
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
