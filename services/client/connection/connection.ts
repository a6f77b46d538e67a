/** One connection: greeted, framed, and found out when the peer is gone without a word. */
import { draftOf, FrameError, PROTOCOL_VERSION, type Message, type MessageOf } from '@dpr/protocol';
import { CLOSE } from '@dpr/runtime/frame-socket';
import { greetSocket, NoAnswerError, WrongAnswerError } from '@dpr/runtime/greeted-socket';
import type { Host } from '@dpr/runtime/host';
import { connectErrorText } from '@dpr/runtime/connect-error-text';
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

  const socket = greetSocket(
    host,
    {
      ...{ address, ca, receiveTimeoutMs, hello: () => ({ stamp: undefined, ...greeting }) },
      ...{ answerMs: attemptTimeoutMs, answerCounts: 'from dialing' },
    },
    {
      opened,
      refused: (error) => refusal(address, error),
      frames: (messages) => owner.frames(messages),
      drained: () => owner.drained?.(),
      closed(reason) {
        if (!done) owner.closed(failure(address, reason));
      },
    },
  );

  function opened(welcome: MessageOf<'welcome'>): DprError | undefined {
    if (welcome.protocol !== PROTOCOL_VERSION) return versionMismatch(address, welcome.protocol);
    if (greeting.cluster !== undefined && welcome.cluster !== greeting.cluster) {
      const text = `${address} belongs to cluster ${welcome.cluster}, not to ${greeting.cluster}`;
      return new ClusterMismatchError(text);
    }
    greeted = true;
    owner.opened(welcome);
    return undefined;
  }

  return {
    send(message) {
      if (greeted) socket.send(draftOf(message));
    },
    unsentBytes: socket.unsentBytes,
    close() {
      done = true;
      socket.close(CLOSE.normal);
    },
  };
}

/** Why a connection ended, or never began. */
function failure(address: string, reason: Error | undefined): DprError {
  if (reason === undefined) return new ConnectError(`${address} closed the connection`);
  if (reason instanceof DprError) return reason;
  if (reason instanceof NoAnswerError) {
    return new ConnectError(`${address} did not answer within ${reason.limitMs} ms`);
  }
  if (reason instanceof WrongAnswerError) {
    return new ProtocolError(`${address} answered the greeting with '${reason.kind}'`);
  }
  if (reason instanceof FrameError) {
    return new ProtocolError(`${address} sent what is not a frame: ${reason.message}`, { cause: reason });
  }
  return new ConnectError(`cannot reach ${address}: ${connectErrorText(reason)}`, { cause: reason });
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
