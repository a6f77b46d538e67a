/** One connection of a port, from its greeting to its end. What the peer does wrong costs it this connection and nothing else. */
import { encode, FrameError, type ErrorCode, type Message } from '@dpr/protocol';
import type { Admission, Place } from './connection-admission.ts';
import type { Budgets, BudgetPart } from './budget.ts';
import { nextConnectionNumber, type Connection, type Owner } from './connection.ts';
import type { Newcomer } from './connection-places.ts';
import { CLOSE, framesOf, frameSocket, type FrameSocket } from './frame-socket.ts';
import type { PeerRole } from './greeting.ts';
import { heldFrames } from './held-frames.ts';
import type { Host } from './host.ts';
import type { InputTurns } from './input-turns.ts';
import type { ListenerLimits } from './listener-limits.ts';
import type { Log } from './log.ts';
import type { MessageSocket } from './message-socket.ts';
import type { Sweeps } from './peer-sweeps.ts';

/** What the connections of one port share. */
export interface Port {
  readonly host: Host;
  readonly owner: Owner;
  readonly limits: ListenerLimits;
  readonly admission: Admission;
  readonly sweeps: Sweeps;
  readonly turns: InputTurns;
  readonly log: Pick<Log, 'debug'>;
  readonly budgetsOf: ((role: PeerRole) => Budgets) | undefined;
  /** A connection is gone. */
  readonly left: () => void;
}

/** Input below this does not count in the budgets: reads end within messages all the time. */
const SMALL_INPUT_BYTES = 16 * 1024;

/** The last words to a peer that gives way. */
const RECEIVED_SHORT = 'short of memory, and most of what waits for the rest of its message is of this connection';
const PLACES_SHORT = 'no place is left, and most of them are taken from this address';

/** @param newcomer the same connection, as it was accepted */
export function servePeer(socket: MessageSocket, newcomer: Newcomer, port: Port): void {
  const { host, owner, limits, admission, sweeps } = port;
  const isOpen = (): boolean => socket.isOpen();
  const user = { opened: () => undefined, message, received: cameIn, pong, drained: release, failed, closed };
  const frames = frameSocket(host, socket, limits, user);
  const held = heldFrames(frames, port.turns, {
    isOpen,
    deliver(messages) {
      if (peer !== undefined) owner.frames(peer.connection, messages);
    },
    turn: () => frames.goOnReading(release),
  });
  let received: BudgetPart | undefined;
  let peer: { readonly connection: Connection; readonly place: Place } | undefined;
  sweeps.join(frames);
  const late = host.setTimeout(() => {
    endFor(frames, `no greeting came within ${limits.helloMs} ms`, CLOSE.refused, 'no greeting');
  }, limits.helloMs);

  function message(data: Buffer, isBinary: boolean): void {
    take(readFrames(frames, data, isBinary));
    held.cameIn(data.length);
  }

  function cameIn(): void {
    if (peer !== undefined) countReceived();
    // A peer that was not let in yet gets no memory for large frames.
    else if (frames.receivedBytes() > limits.bytesBeforeHello) frames.terminate();
  }

  function pong(data: Buffer): void {
    sweeps.answered(frames, data);
  }

  function release(): boolean {
    if (!held.release()) return false;
    countReceived();
    return true;
  }

  function failed(error: Error): void {
    port.log.debug({ event: 'connectionFailed', reason: error.message });
  }

  function closed(): void {
    host.clearTimeout(late);
    received?.end();
    sweeps.leave(frames);
    if (peer !== undefined) {
      peer.place.leave();
      owner.closed(peer.connection);
    }
    port.left();
  }

  function countReceived(): void {
    const bytes = frames.unfinishedBytes() + held.bytes();
    received?.set(bytes > SMALL_INPUT_BYTES ? bytes : 0);
  }

  /** Not what follows the frame for which it is being closed. */
  function take(messages: readonly Message[]): void {
    if (messages.length === 0 || !isOpen()) return;
    if (peer !== undefined) return held.hand(messages);
    const [hello, ...rest] = messages;
    if (hello !== undefined) greet(hello);
    take(rest);
  }

  function greet(hello: Message): void {
    if (hello.kind !== 'hello') {
      const text = `the first frame must be 'hello', not '${hello.kind}'`;
      return endFor(frames, text, CLOSE.refused, 'no greeting');
    }
    const place = admission.greet(newcomer, hello, () => frames.cutOff(CLOSE.short, PLACES_SHORT));
    if ('code' in place) {
      sendError(frames, place.code, place.text, place.detail);
      return frames.close(CLOSE.refused, place.code);
    }
    host.clearTimeout(late);
    const budgets = port.budgetsOf?.(hello.role);
    if (budgets?.unsent) frames.countUnsent(budgets.unsent);
    received = budgets?.received.join(() => frames.cutOff(CLOSE.short, RECEIVED_SHORT));
    const connection: Connection = {
      number: nextConnectionNumber(),
      origin: admission.originOf(newcomer),
      send: frames.send,
      close: () => frames.close(CLOSE.refused, ''),
      isOpen,
      watch: (told) => sweeps.watch(frames, told),
    };
    peer = { connection, place };
    owner.opened(connection, hello);
  }
}

/** The frames of a message, or none after having told the peer what is wrong with them. */
function readFrames(frames: FrameSocket, data: Buffer, isBinary: boolean): readonly Message[] {
  try {
    return framesOf(data, isBinary);
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    endFor(frames, error.message, CLOSE.malformed, 'malformed');
    return [];
  }
}

/** What the peer sent, or did not send, is not the protocol: it is told, and the connection ends. */
function endFor(frames: FrameSocket, text: string, code: number, reason: string): void {
  sendError(frames, 'malformed', text);
  frames.close(code, reason);
}

function sendError(frames: FrameSocket, code: ErrorCode, text: string, detail = 0): void {
  frames.send(encode({ kind: 'error', code, session: undefined, sequence: 0, detail, text }));
}
