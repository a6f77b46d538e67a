/** One connection: greeted, framed, and found out when the peer is gone without a word. */
import { draftOf, FrameError, MAX_FRAME_BYTES, PROTOCOL_VERSION, type Message, type MessageOf } from '@dpr/protocol';
import {
  BUFFER_LIMITS,
  CLOSE,
  framesOf,
  frameSocket,
  noMask,
  type FrameSocket,
  type RawSocket,
} from '@dpr/runtime/frame-socket';
import { keepAlive, SILENT_INTERVALS } from '@dpr/runtime/keep-alive';
import { WebSocket } from 'ws';
import {
  ClusterMismatchError,
  ConnectError,
  ProtocolError,
  UnauthorizedError,
  VersionMismatchError,
  type DprError,
} from './errors.ts';

/** What to greet with. */
export type Greeting = Pick<MessageOf<'hello'>, 'role' | 'cluster' | 'token'>;

export interface Timing {
  /** How long an attempt may take, from the first packet to the answer to the greeting, ms. */
  readonly attemptTimeoutMs: number;
  /** A peer that is silent for this long is disconnected, ms. */
  readonly receiveTimeoutMs: number;
}

export interface ConnectionOptions {
  readonly address: string;
  /** PEM certificates to trust instead of the well-known ones, for `wss://`. */
  readonly ca: string | undefined;
  readonly greeting: Greeting;
  readonly timing: Timing;
}

/** Who uses the connection. Its functions are never called within one of the connection's. */
export interface ConnectionOwner {
  opened(welcome: MessageOf<'welcome'>): void;
  frame(message: Message): void;
  /** Once, unless the owner closed it: it ended, or never began. */
  closed(error: DprError): void;
}

export interface Connection {
  /** Send a frame; dropped unless greeted. All frames of one tick travel together. */
  send(message: Message): void;
  close(): void;
}

export function openConnection(options: ConnectionOptions, owner: ConnectionOwner): Connection {
  const { address, ca, greeting, timing } = options;
  let frames: FrameSocket | undefined;
  let socket: RawSocket | undefined;
  let sweep: NodeJS.Timeout | undefined;
  let greeted = false;
  let done = false;
  let reason: DprError | undefined;

  const ws = new WebSocket(address, {
    perMessageDeflate: false,
    generateMask: noMask,
    maxPayload: MAX_FRAME_BYTES,
    ...(ca === undefined ? {} : { ca }),
  });
  const late = setTimeout(
    () => give(new ConnectError(`${address} did not answer within ${timing.attemptTimeoutMs} ms`)),
    timing.attemptTimeoutMs,
  );
  ws.on('upgrade', (response) => (socket = response.socket));
  ws.on('open', () => {
    if (socket === undefined) throw new Error('a WebSocket opened without a socket');
    frames = frameSocket(ws, socket, BUFFER_LIMITS);
    sweep = setInterval(keepAlive(ws, frames), timing.receiveTimeoutMs / SILENT_INTERVALS);
    frames.send(draftOf({ kind: 'hello', protocol: PROTOCOL_VERSION, stamp: undefined, ...greeting }));
  });
  ws.on('message', (data, isBinary) => {
    if (done) return;
    let messages: readonly Message[];
    try {
      messages = framesOf(data, isBinary);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      return give(new ProtocolError(`${address} sent what is not a frame: ${error.message}`, { cause: error }));
    }
    for (const message of messages) take(message);
  });
  ws.on(
    'error',
    (error) => (reason ??= new ConnectError(`cannot reach ${address}: ${wordsOf(error)}`, { cause: error })),
  );
  ws.on('close', () => {
    clearTimeout(late);
    clearInterval(sweep);
    if (done) return;
    done = true;
    owner.closed(reason ?? new ConnectError(`${address} closed the connection`));
  });

  function take(message: Message): void {
    if (done || ws.readyState !== ws.OPEN) return; // what came after the frame that ended it
    if (greeted) owner.frame(message);
    else answered(message);
  }

  function answered(message: Message): void {
    if (message.kind === 'error') return give(refusal(address, message));
    if (message.kind !== 'welcome') {
      return give(new ProtocolError(`${address} answered the greeting with '${message.kind}'`));
    }
    if (message.protocol !== PROTOCOL_VERSION) return give(versionMismatch(address, message.protocol));
    if (greeting.cluster !== undefined && message.cluster !== greeting.cluster) {
      const text = `${address} belongs to cluster ${message.cluster}, not to ${greeting.cluster}`;
      return give(new ClusterMismatchError(text));
    }
    clearTimeout(late);
    greeted = true;
    owner.opened(message);
  }

  function give(error: DprError): void {
    reason ??= error;
    ws.terminate();
  }

  return {
    send(message) {
      if (greeted && !done) frames?.send(draftOf(message));
    },
    close() {
      done = true;
      clearTimeout(late);
      clearInterval(sweep);
      if (frames === undefined) ws.terminate();
      else frames.close(CLOSE.normal, '');
    },
  };
}

/** An attempt at several addresses fails with an error that has no words of its own. */
function wordsOf(error: Error & { readonly code?: string; readonly errors?: readonly Error[] }): string {
  const [first] = error.errors ?? [];
  return first?.message ?? (error.message === '' ? (error.code ?? 'no reason given') : error.message);
}

function versionMismatch(address: string, theirs: number): VersionMismatchError {
  const text = `${address} speaks version ${theirs} of the protocol, and this client version ${PROTOCOL_VERSION}: use the client that belongs to the cluster`;
  return new VersionMismatchError(text);
}

/** Why the greeting was refused, as an error that says what to do. */
function refusal(address: string, { code, detail, text }: MessageOf<'error'>): DprError {
  switch (code) {
    case 'unauthorized':
      return new UnauthorizedError(`${address} refused the greeting: ${text}`);
    case 'unsupportedVersion':
      return versionMismatch(address, detail);
    case 'wrongCluster':
      return new ClusterMismatchError(`${address} refused the greeting: ${text}`);
    default:
      return new ConnectError(`${address} does not serve now (${code}): ${text}`);
  }
}
