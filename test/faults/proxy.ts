/** A TCP proxy that misbehaves when it is told to, and otherwise forwards what it gets. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** `up` is from the client to the server. */
export type Direction = 'up' | 'down';

export interface Proxy {
  readonly port: number;
  /** How many connections it forwards now. */
  open(): number;
  /** Bytes forwarded so far, both directions of all connections. */
  forwarded(): number;
  /** Once this many more bytes went through in a direction, the connection on which they did is reset, within a frame or not. */
  cutAfter(direction: Direction, bytes: number): void;
  /** From now on, all that is forwarded is this late. */
  delay(ms: number): void;
  /**
   * Forward nothing more on the connections that there are, in one direction or both, without closing them. What arrives is
   * kept until `heal`, as by a network that tries again.
   */
  stall(...directions: Direction[]): void;
  /** Accept connections and let them hang, until `heal`. */
  hang(): void;
  /** Forward at once what is held back, and everything from now on. */
  heal(): void;
  /** Reset all connections. */
  reset(): void;
  close(): Promise<void>;
}

interface Pair {
  readonly pipes: Readonly<Record<Direction, Pipe>>;
  reset(): void;
}

interface Pipe {
  stalled: boolean;
  flush(): void;
}

/** @param host, target where the server is */
export async function openProxy(target: () => number, host = '127.0.0.1'): Promise<Proxy> {
  const pairs = new Set<Pair>();
  const cuts = new Map<Direction, number>();
  let delayMs = 0;
  let hangs = false;
  let forwarded = 0;

  /** How much of `bytes` may go through before the connection is cut, and whether it is. */
  function passing(direction: Direction, bytes: number): { readonly bytes: number; readonly cut: boolean } {
    const left = cuts.get(direction);
    if (left === undefined) return { bytes, cut: false };
    if (bytes >= left) cuts.delete(direction);
    else cuts.set(direction, left - bytes);
    return { bytes: Math.min(bytes, left), cut: bytes >= left };
  }

  function openPipe(direction: Direction, from: Socket, to: Socket, reset: () => void): Pipe {
    const held: (Buffer | 'end')[] = [];
    let forwarding = Promise.resolve();
    const pipe: Pipe = {
      stalled: hangs,
      flush() {
        for (const item of held.splice(0)) forward(item);
      },
    };

    function forward(item: Buffer | 'end'): void {
      const late = delayMs;
      forwarding = forwarding.then(async () => {
        if (late > 0) await pause(late);
        if (item === 'end') return void to.end();
        const { bytes, cut } = passing(direction, item.length);
        forwarded += bytes;
        if (!cut) return void to.write(item);
        // What goes before the cut arrives: a connection that is reset at once may lose it.
        to.write(item.subarray(0, bytes), () => reset());
      });
    }

    const take = (item: Buffer | 'end'): void => {
      if (pipe.stalled) held.push(item);
      else forward(item);
    };
    from.on('data', take);
    from.on('end', () => take('end'));
    return pipe;
  }

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = connect({ port: target(), host, allowHalfOpen: true, noDelay: true });
    const reset = (): void => {
      for (const socket of [client, upstream]) {
        // Node cannot reset one that is being shut down, and then never gets rid of it.
        if (socket.writableEnded) socket.destroy();
        else socket.resetAndDestroy();
      }
    };
    const pair: Pair = {
      pipes: { up: openPipe('up', client, upstream, reset), down: openPipe('down', upstream, client, reset) },
      reset,
    };
    pairs.add(pair);
    // A side that broke breaks the other one; in a network that is stalled that news travels no more than bytes do.
    const broke = (direction: Direction): void => {
      if (!pair.pipes[direction].stalled) reset();
    };
    for (const [socket, direction] of [
      [client, 'up'],
      [upstream, 'down'],
    ] as const) {
      socket.on('error', () => broke(direction));
      socket.on('close', () => {
        if (client.destroyed && upstream.destroyed) pairs.delete(pair);
      });
    }
  });
  server.listen(0, host);
  await once(server, 'listening');

  return {
    port: (server.address() as AddressInfo).port,
    open: () => pairs.size,
    forwarded: () => forwarded,
    cutAfter: (direction, bytes) => void cuts.set(direction, bytes),
    delay(ms) {
      delayMs = ms;
    },
    stall(...directions) {
      for (const { pipes } of pairs) for (const direction of directions) pipes[direction].stalled = true;
    },
    hang() {
      hangs = true;
    },
    heal() {
      delayMs = 0;
      hangs = false;
      cuts.clear();
      for (const { pipes } of pairs) {
        for (const pipe of Object.values(pipes)) {
          pipe.stalled = false;
          pipe.flush();
        }
      }
    },
    reset() {
      for (const pair of pairs) pair.reset();
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const pair of pairs) pair.reset();
      await closed;
    },
  };
}
