/** One connection of a port, from its greeting to its end. What the peer does wrong costs it this connection and nothing else. */
import { encode, FrameError, type ErrorCode, type Message } from '@dpr/protocol';
import type { RawData, WebSocket } from 'ws';
import type { Admission, Place } from './admission.ts';
import type { Budgets, BudgetPart } from './budget.ts';
import type { Connection, Owner } from './connection.ts';
import { CLOSE, framesOf, frameSocket, type FrameSocket, type RawSocket } from './frame-socket.ts';
import type { PeerRole } from './greeting.ts';
import { heldFrames } from './held-frames.ts';
import type { ListenerLimits } from './listener-limits.ts';
import type { Log } from './log.ts';
import { messageMeter } from './unfinished-message.ts';
import type { Sweeps } from './peer-sweeps.ts';

/** What the connections of one port share. */
export interface Port {
  readonly owner: Owner;
  readonly limits: ListenerLimits;
  readonly admission: Admission;
  readonly sweeps: Sweeps;
  readonly log: Log;
  readonly budgetsOf: ((role: PeerRole) => Budgets) | undefined;
}

/** Input below this does not count in the budgets: reads end within messages all the time. */
const SMALL_INPUT_BYTES = 16 * 1024;

/** The last words to a peer that gives way. */
const RECEIVED_SHORT = 'short of memory, and most of what waits for the rest of its message is of this connection';
const PLACES_SHORT = 'no place is left, and most of them are taken from this address';

let lastConnection = 0;

export function servePeer(ws: WebSocket, socket: RawSocket, port: Port): void {
  const { owner, limits, admission, sweeps } = port;
  const meter = messageMeter();
  const isOpen = (): boolean => ws.readyState === ws.OPEN;
  const frames = frameSocket(ws, socket, limits, () => {
    if (!held.release()) return false;
    countReceived();
    return true;
  });
  const held = heldFrames(frames, isOpen, (messages) => {
    if (peer !== undefined) owner.frames(peer.connection, messages);
  });
  let received: BudgetPart | undefined;
  let peer: { readonly connection: Connection; readonly place: Place } | undefined;
  sweeps.join(ws, frames, meter);
  const late = setTimeout(() => {
    endFor(frames, `no greeting came within ${limits.helloMs} ms`, CLOSE.refused, 'no greeting');
  }, limits.helloMs);

  function countReceived(): void {
    const bytes = meter.unfinished() + held.bytes();
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
    const place = admission.greet(socket, hello, () => frames.cutOff(CLOSE.short, PLACES_SHORT));
    if ('code' in place) {
      sendError(frames, place.code, place.text, place.detail);
      return frames.close(CLOSE.refused, place.code);
    }
    clearTimeout(late);
    const budgets = port.budgetsOf?.(hello.role);
    if (budgets?.unsent) frames.countUnsent(budgets.unsent);
    received = budgets?.received.join(() => frames.cutOff(CLOSE.short, RECEIVED_SHORT));
    const connection: Connection = {
      number: ++lastConnection,
      origin: admission.originOf(socket),
      send: frames.send,
      close: () => frames.close(CLOSE.refused, ''),
      isOpen,
      watch: (told) => sweeps.watch(ws, frames, told),
    };
    peer = { connection, place };
    owner.opened(connection, hello);
  }

  socket.on('data', (chunk: Buffer) => {
    meter.take(chunk);
    if (peer !== undefined) countReceived();
    // A peer that was not let in yet gets no memory for large frames.
    else if (socket.bytesRead > limits.bytesBeforeHello) frames.terminate();
  });
  ws.on('message', (data, isBinary) => {
    take(readFrames(frames, data, isBinary));
    held.cameIn((data as Buffer).length);
  });
  ws.on('error', (error) => port.log.debug({ event: 'connectionFailed', reason: error.message }));
  ws.on('close', () => {
    clearTimeout(late);
    received?.end();
    sweeps.leave(frames);
    if (peer === undefined) return;
    peer.place.leave();
    owner.closed(peer.connection);
  });
}

/** The frames of a message, or none after having told the peer what is wrong with them. */
function readFrames(frames: FrameSocket, data: RawData, isBinary: boolean): readonly Message[] {
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
