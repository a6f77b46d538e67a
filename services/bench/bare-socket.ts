/** The bare transport at its best: each frame a message of its own, and one write for all messages of a tick. */
import type { RawSocket } from '@dpr/runtime/web-socket';
import type { WebSocket } from 'ws';

/** @returns what sends a frame */
export function bareSocket(ws: WebSocket, socket: RawSocket): (frame: Uint8Array) => void {
  let corked = false;

  function uncork(): void {
    corked = false;
    socket.uncork();
  }

  return (frame) => {
    if (!corked) {
      corked = true;
      socket.cork();
      process.nextTick(uncork);
    }
    ws.send(frame, { binary: true, compress: false, fin: true });
  };
}
