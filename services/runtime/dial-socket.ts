/** Frames over one dialed socket of messages, which is pinged, and given up when its peer is silent. */
import { FrameError, type Message } from '@dpr/protocol';
import type { DialedSocket, DialOptions, SocketUser } from './dialed-socket.ts';
import { every } from './every.ts';
import { DIAL_BUFFER_LIMITS, framesOf, frameSocket } from './frame-socket.ts';
import type { Host } from './host.ts';
import { keepAlive, SILENT_INTERVALS, silenceWatch } from './keep-alive.ts';
import type { MessageSocket } from './message-socket.ts';

/** Begins to connect. @param ca PEM certificates to trust instead of the well-known ones, for `wss://` */
type Connect = (address: string, ca: string | undefined) => MessageSocket;

export function dialSocket(
  host: Host,
  connect: Connect,
  { address, ca, receiveTimeoutMs, watch }: DialOptions,
  user: SocketUser,
): DialedSocket {
  let hasOpened = false;
  let stops: readonly (() => void)[] = [];
  let reason: Error | undefined;
  const socket = connect(address, ca);
  const frames = frameSocket(host, socket, DIAL_BUFFER_LIMITS, {
    opened() {
      hasOpened = true;
      stops = [
        every(host, receiveTimeoutMs / SILENT_INTERVALS, keepAlive(frames)),
        ...(watch ? [every(host, watch.intervalMs, silenceWatch(frames, watch.intervalMs, watch.told))] : []),
      ];
      user.opened();
    },
    message,
    received: () => undefined,
    pong: () => undefined,
    drained() {
      user.drained?.();
      return true;
    },
    failed: (error) => (reason ??= error),
    closed(code) {
      for (const stop of stops) stop();
      user.closed(reason, code);
    },
  });

  function message(data: Buffer, isBinary: boolean): void {
    if (!socket.isOpen()) return;
    let messages: readonly Message[];
    try {
      messages = framesOf(data, isBinary);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      return giveUp(error);
    }
    user.frames(messages);
  }

  function giveUp(why: Error): void {
    reason ??= why;
    socket.terminate();
  }

  return {
    send: frames.send,
    close(code) {
      if (hasOpened) frames.close(code, '');
      else socket.terminate();
    },
    giveUp,
    isOpen: frames.isOpen,
    unsentBytes: frames.unsentBytes,
  };
}
