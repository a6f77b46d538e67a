/** A peer that writes bytes as it likes, half a frame for instance, and reads only if it wants to. */
import { encode, type Message, type MessageOf } from '@dpr/protocol';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { hello } from '../runtime/hello.ts';

export const BINARY = 2;
export const PING = 9;

export interface RawPeer {
  readonly socket: Socket;
  /** Resolves once the connection has ended, in any way, with the status code that came before, or 0. */
  readonly closed: Promise<number>;
  /** Resolves when the system took it over, or the connection has ended. */
  write(bytes: Uint8Array): Promise<void>;
}

/** A frame of the WebSocket protocol with the mask zero. @param length what it says that it has, if that is another */
export function webSocketFrame(opcode: number, payload: Uint8Array, length = payload.length, isLast = true): Buffer {
  const header = Buffer.alloc(14);
  header[0] = (isLast ? 0x80 : 0) | opcode;
  const long = length > 125;
  header[1] = 0x80 | (long ? 127 : length);
  if (long) header.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([header.subarray(0, long ? 14 : 6), payload]);
}

export function messageFrame(message: Message): Buffer {
  return webSocketFrame(BINARY, encode(message));
}

/** The HTTP request that becomes a WebSocket. */
export function upgradeRequest(): string {
  const key = Buffer.alloc(16, 1).toString('base64');
  const lines = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Key: ${key}`, 'Sec-WebSocket-Version: 13'];
  return `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}

/** Connect and greet, and read the welcome; nothing more is read until `socket.resume()`. */
export async function rawPeer(port: number, fields: Partial<MessageOf<'hello'>> = {}): Promise<RawPeer> {
  const socket = connectTcp(port, '127.0.0.1');
  socket.on('error', () => undefined);
  let last = Buffer.alloc(0);
  socket.on('data', (data) => (last = Buffer.concat([last, data]).subarray(-128)));
  const closed = new Promise<number>((resolve) => socket.on('close', () => resolve(closeCode(last))));
  await once(socket, 'connect');
  socket.write(upgradeRequest());
  await once(socket, 'data');
  socket.write(messageFrame(hello(fields)));
  await once(socket, 'data');
  socket.pause();
  return {
    socket,
    closed,
    async write(bytes) {
      if (socket.destroyed || socket.write(bytes)) return;
      const taken = new Promise<void>((resolve) => socket.once('drain', resolve));
      await Promise.race([taken, closed]);
    },
  };
}

/** Of a close frame, if these bytes end with one. */
function closeCode(last: Buffer): number {
  for (let at = last.length - 4; at >= 0; at--) {
    if (last[at] === 0x88 && at + 2 + (last[at + 1] ?? 0) === last.length) return last.readUInt16BE(at + 2);
  }
  return 0;
}
