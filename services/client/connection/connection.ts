/** One connection: greeted, framed, and found out when the peer is gone without a word. */
import { draftOf, FrameError, PROTOCOL_VERSION, type Message, type MessageOf } from '@dpr/protocol';
import { CLOSE } from '@dpr/runtime/frame-socket';
import type { Host } from '@dpr/runtime/host';
import { wordsOf } from '@dpr/runtime/words-of';
import {
  ClusterMismatchError,
  ConnectError,
  DprError,
  ProtocolError,
  UnauthorizedError,
  VersionMismatchError,
} from '../errors.ts';

/** What to greet with. */
export type Greeting = Pick<MessageOf<'hello'>, 'role' | 'cluster' | 'token'>;

export interface Timing {
  /** How long an attempt may take, from the first packet to the answer to the greeting, ms. */
  readonly attemptTimeoutMs: number;
  /** A peer that is silent for this long is disconnected, ms. */
  readonly receiveTimeoutMs: number;
}

export interface ConnectionOptions {
  readonly host: Host;
  readonly address: string;
  /** PEM certificates to trust instead of the well-known ones, for `wss://`. */
  readonly ca: string | undefined;
  readonly greeting: Greeting;
  readonly timing: Timing;
}

/** Who uses the connection. Its functions are never called within one of the connection's. */
export interface ConnectionOwner {
  opened(welcome: MessageOf<'welcome'>): void;
  /** What one message carried, in order. */
  frames(messages: readonly Message[]): void;
  /** The system took over everything that had piled up. */
  drained?(): void;
  /** Once, unless the owner closed it: it ended, or never began. */
  closed(error: DprError): void;
}

export interface Connection {
  /** Send a frame; dropped unless greeted. All frames of one tick travel together. */
  send(message: Message): void;
  /** Bytes that were sent and that the system has not taken over yet. */
  readonly unsentBytes: () => number;
  close(): void;
}

export function openConnection(options: ConnectionOptions, owner: ConnectionOwner): Connection {
  const { host, address, ca, greeting, timing } = options;
  const { attemptTimeoutMs, receiveTimeoutMs } = timing;
  let greeted = false;
  let done = false;

  const socket = host.dial(
    { address, ca, receiveTimeoutMs },
    {
      opened: () => socket.send(draftOf({ kind: 'hello', protocol: PROTOCOL_VERSION, stamp: undefined, ...greeting })),
      frames: take,
      drained: () => owner.drained?.(),
      closed(reason) {
        host.clearTimeout(late);
        if (!done) owner.closed(failure(address, reason));
      },
    },
  );
  const late = host.setTimeout(
    () => socket.giveUp(new ConnectError(`${address} did not answer within ${attemptTimeoutMs} ms`)),
    attemptTimeoutMs,
  );

  function take(messages: readonly Message[]): void {
    if (greeted) return owner.frames(messages);
    const [answer, ...rest] = messages;
    if (answer === undefined) return;
    answered(answer);
    if (rest.length > 0 && socket.isOpen()) take(rest);
  }

  function answered(message: Message): void {
    if (message.kind === 'error') return socket.giveUp(refusal(address, message));
    if (message.kind !== 'welcome') {
      return socket.giveUp(new ProtocolError(`${address} answered the greeting with '${message.kind}'`));
    }
    if (message.protocol !== PROTOCOL_VERSION) return socket.giveUp(versionMismatch(address, message.protocol));
    if (greeting.cluster !== undefined && message.cluster !== greeting.cluster) {
      const text = `${address} belongs to cluster ${message.cluster}, not to ${greeting.cluster}`;
      return socket.giveUp(new ClusterMismatchError(text));
    }
    host.clearTimeout(late);
    greeted = true;
    owner.opened(message);
  }

  return {
    send(message) {
      if (greeted) socket.send(draftOf(message));
    },
    unsentBytes: socket.unsentBytes,
    close() {
      done = true;
      host.clearTimeout(late);
      socket.close(CLOSE.normal);
    },
  };
}

/** Why a connection ended, or never began. */
function failure(address: string, reason: Error | undefined): DprError {
  if (reason === undefined) return new ConnectError(`${address} closed the connection`);
  if (reason instanceof DprError) return reason;
  if (reason instanceof FrameError) {
    return new ProtocolError(`${address} sent what is not a frame: ${reason.message}`, { cause: reason });
  }
  return new ConnectError(`cannot reach ${address}: ${wordsOf(reason)}`, { cause: reason });
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
