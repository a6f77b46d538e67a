/**
 * A WebSocket client that can do everything wrong: it writes the bytes that it is given, when it is told to, and reads or does not. A
 * library would refuse most of that.
 */
import { connect, type Socket } from 'node:net';

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** How a connection ended: by a status code, without one, or by an HTTP answer that is no WebSocket. */
export type Ending = `code ${number}` | 'cut' | `http ${number}`;

export interface RawClient {
  readonly socket: Socket;
  /** False after it ended, or was given up. */
  readonly isOpen: () => boolean;
}

export interface RawHandlers {
  /** The server speaks WebSocket from here on. */
  readonly opened: () => void;
  /** One whole message. */
  readonly message: (payload: Buffer) => void;
  /** The server says that it closes the connection, and waits for the client to agree. */
  readonly closing: () => void;
  readonly ended: (how: Ending) => void;
}

export interface FrameShape {
  readonly opcode?: number;
  readonly isLast?: boolean;
  /** The three bits that extensions may use. */
  readonly reserved?: number;
  readonly isMasked?: boolean;
  /** What the header says of the length, where it lies. */
  readonly length?: number;
}

const HEADER_END = '\r\n\r\n';
const MAX_HEAD_BYTES = 64 * 1024;

/** @param head the HTTP request, whole or not */
export function openRaw(port: number, head: string, handlers: RawHandlers): RawClient {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const read = reader(handlers);
  let open = true;
  let ending: Ending = 'cut';
  socket.on('data', (bytes: Buffer) => {
    const told = read(bytes);
    if (told === undefined) return;
    ending = told;
    handlers.closing();
  });
  socket.on('error', () => undefined); // 'close' follows
  socket.on('close', () => {
    open = false;
    handlers.ended(ending);
  });
  socket.write(head);
  return { socket, isOpen: () => open && socket.writable };
}

export function upgradeRequest(more = ''): string {
  const words = [
    'GET / HTTP/1.1',
    'Host: 127.0.0.1',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    'Sec-WebSocket-Version: 13',
  ];
  return `${words.join('\r\n')}\r\n${more}\r\n`;
}

/** A WebSocket frame; masked with zero, as clients of this protocol may. */
export function webSocketFrame(payload: Uint8Array, shape: FrameShape = {}): Buffer {
  const { opcode = OPCODE.binary, isLast = true, reserved = 0, isMasked = true, length = payload.length } = shape;
  const long = length >= 65_536 ? 8 : length >= 126 ? 2 : 0;
  const header = Buffer.alloc(2 + long + (isMasked ? 4 : 0));
  header[0] = (isLast ? 0x80 : 0) | (reserved << 4) | opcode;
  header[1] = (isMasked ? 0x80 : 0) | (long === 8 ? 127 : long === 2 ? 126 : length);
  if (long === 2) header.writeUInt16BE(length, 2);
  if (long === 8) header.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([header, payload]);
}

/** Takes in what the server sends; @returns how that says that it ends */
function reader({ opened, message }: RawHandlers): (bytes: Buffer) => Ending | undefined {
  let rest: Buffer = Buffer.alloc(0);
  let isUpgraded = false;
  let parts: Buffer[] = [];
  let refused: Ending | undefined;

  function readHead(): boolean {
    const end = rest.indexOf(HEADER_END);
    if (end < 0) {
      if (rest.length > MAX_HEAD_BYTES) throw new Error('the server answers with a head that does not end');
      return false;
    }
    const status = Number(rest.toString('latin1', 9, 12));
    rest = rest.subarray(end + HEADER_END.length);
    if (status !== 101) {
      refused = `http ${status}`;
      return false;
    }
    isUpgraded = true;
    opened();
    return true;
  }

  return (bytes) => {
    if (refused !== undefined) return refused;
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    if (!isUpgraded && !readHead()) return refused;
    let ending: Ending | undefined;
    for (let frame = firstFrame(rest); frame !== undefined; frame = firstFrame(rest)) {
      const { opcode, isLast, payload, size } = frame;
      rest = rest.subarray(size);
      if (opcode === OPCODE.close) ending = payload.length < 2 ? 'code 1005' : `code ${payload.readUInt16BE(0)}`;
      if (opcode > OPCODE.binary) continue;
      if (isLast && parts.length === 0) {
        message(payload);
        continue;
      }
      parts.push(payload);
      if (!isLast) continue;
      message(Buffer.concat(parts));
      parts = [];
    }
    return ending;
  };
}

function firstFrame(bytes: Buffer) {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return undefined;
  const short = second & 0x7f;
  const long = short === 127 ? 8 : short === 126 ? 2 : 0;
  if (bytes.length < 2 + long) return undefined;
  const length = long === 0 ? short : long === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const size = 2 + long + length;
  if (bytes.length < size) return undefined;
  return { opcode: first & 0x0f, isLast: (first & 0x80) !== 0, payload: bytes.subarray(2 + long, size), size };
}
