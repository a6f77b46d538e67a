/** One hostile connection after the other, to one port: what it sends depends on its seed, and on what servers told. */
import { decodeMessage, MAX_FRAME_BYTES, MAX_FRAMES_IN_MESSAGE, PROTOCOL_VERSION } from '@dpr/protocol';
import { createRandom, type Random } from '../../simulation/random.ts';
import { damageFrame, damageMessage, joinFrames } from './damage.ts';
import { KINDS, validFrame, type Fixed, type Kind, type Source } from './frames.ts';
import type { Knowledge } from './knowledge.ts';
import type { Persona } from './personas.ts';
import { createFuzzSession } from './session.ts';
import { OPCODE, openRaw, upgradeRequest, webSocketFrame, type FrameShape, type RawClient } from './web-socket.ts';

/** Adds to what is counted under this name. */
export type Count = (what: string, times?: number) => void;

export interface Actor {
  /** Goes on: connects, or sends one message, or does something else. @returns how many frames were sent */
  act(): number;
  readonly isConnected: () => boolean;
  /** Which server it talks to, and what it sent last, the newest at the end, since it connected; in hex. */
  readonly last: () => { readonly persona: Persona; readonly sent: readonly string[] };
}

/**
 * Anything but a message of valid frames; the least common are seldom, because each ends the connection. `agree`: to be closed; others
 * go on sending.
 */
const SHARE = {
  damagedFrame: 0.03,
  damagedMessage: 0.01,
  forbidden: 0.03,
  webSocket: 0.05,
  deaf: 0.004,
  end: 0.004,
  endWaiting: 0.01,
  agree: 0.9,
};
/** How many turns it does not read, when it does not. */
const MAX_DEAF_TURNS = 150;
/** Of a message that never ends. */
const MAX_UNFINISHED_BYTES = 8 * 1024 * 1024;
/** What it has not been able to send, beyond which it waits. */
const MAX_UNSENT_BYTES = 4 * 1024 * 1024;
/** In a message of one that is not let in, and whose frames are not looked at therefore. */
const MAX_UNHEARD_FRAMES = 3;
const ANSWERS_LEARNT = 0.1;
/** What it sent last is kept, in WebSocket frames, but for those that are long. */
const KEPT_WRITES = 32;
const MAX_KEPT_BYTES = 128 * 1024;

/** @param index of the connection: with the seed it decides what is drawn */
export function createActor(persona: Persona, seed: number, index: number, knowledge: Knowledge, count: Count): Actor {
  const random = createRandom(seed * 10_007 + index);
  const source: Source = { random, knowledge };
  const session = createFuzzSession(source);
  let client: RawClient | undefined;
  let isUp = false;
  let deafTurns = 0;
  let isLeaving = false;
  let sent: Buffer[] = [];

  function write({ socket }: RawClient, bytes: Buffer): void {
    socket.write(bytes);
    sent.push(bytes.subarray(0, MAX_KEPT_BYTES));
    if (sent.length > KEPT_WRITES) sent.shift();
  }

  function connect(): void {
    sent = [];
    isUp = false;
    deafTurns = 0;
    isLeaving = false;
    count('connections');
    if (random.chance(0.3)) session.begin();
    const own: RawClient = openRaw(persona.port, drawHead(random, count), {
      opened() {
        isUp = true;
        greet(own);
      },
      message: (payload) => take(payload),
      closing() {
        if (random.chance(SHARE.agree)) own.socket.destroy();
      },
      ended(how) {
        if (client !== own) return;
        count(`ended: ${how}`);
        client = undefined;
      },
    });
    client = own;
  }

  function greet(own: RawClient): void {
    if (random.chance(0.02)) return; // says nothing, or something else first
    const hello = validFrame(source, 'hello', random.chance(0.95) ? rightHello(persona) : drawHello(source, persona));
    const greeting = random.chance(0.01) ? [hello, hello] : [hello];
    for (const frame of greeting) write(own, webSocketFrame(frame));
    count('sent hello', greeting.length);
  }

  function take(payload: Buffer): void {
    for (const message of decodeMessage(payload)) {
      count(message.kind === 'error' ? `error ${message.code}` : `got ${message.kind}`);
      session.learn(message);
      if (message.kind === 'error' || random.chance(ANSWERS_LEARNT)) knowledge.learn(message);
    }
  }

  function act(): number {
    if (client?.isOpen() !== true) {
      connect();
      return 0;
    }
    const { socket } = client;
    if (deafTurns > 0 && --deafTurns === 0) socket.resume();
    if (!isUp || isLeaving || socket.writableLength > MAX_UNSENT_BYTES) {
      leaveSometimes(client, SHARE.endWaiting);
      return 0;
    }
    if (leaveSometimes(client, SHARE.end)) return 0;
    if (random.chance(SHARE.deaf)) {
      count('WebSocket: reads nothing for a while');
      socket.pause();
      deafTurns = random.int(1, MAX_DEAF_TURNS);
    }
    return random.chance(SHARE.webSocket) ? mischief(client) : sendMessage(client);
  }

  function leaveSometimes(own: RawClient, chance: number): boolean {
    if (!random.chance(chance)) return false;
    if (random.chance(0.5)) own.socket.destroy();
    else write(own, webSocketFrame(drawClosing(random), { opcode: OPCODE.close }));
    count('WebSocket: closed, or cut');
    isLeaving = true;
    return true;
  }

  function sendMessage(own: RawClient): number {
    const { bytes, frames } = drawMessage();
    write(own, webSocketFrame(bytes));
    return frames;
  }

  function drawMessage(): { readonly bytes: Buffer; readonly frames: number } {
    const kinds = random.chance(0.2) ? [random.pick(persona.allowed)] : persona.allowed;
    const length = persona.isLetIn ? drawLength(random) : random.int(1, MAX_UNHEARD_FRAMES);
    const isRight = random.chance(0.5);
    const draw = (): Buffer => frame(random.pick(kinds), isRight);
    const frames = random.chance(0.05) ? repeated(draw(), length) : Array.from({ length }, draw);
    if (random.chance(SHARE.forbidden)) {
      frames[frames.length - 1] = frame(random.pick(persona.isTrusted ? KINDS.filter(isHarmless) : KINDS));
    } else if (random.chance(SHARE.damagedFrame)) {
      const { bytes, what } = damageFrame(frame(random.pick(persona.allowed.filter(isHarmless))), random);
      count(`damage: ${what}`);
      frames[random.chance(0.8) ? frames.length - 1 : random.int(0, frames.length - 1)] = bytes;
    }
    const message = joinFrames(frames);
    if (!random.chance(SHARE.damagedMessage)) return { bytes: message, frames: frames.length };
    const { bytes, what } = damageMessage(joinFrames([frame('refresh')]), random);
    count(`damage: ${what}`);
    return { bytes, frames: 1 };
  }

  function repeated(one: Buffer, length: number): Buffer[] {
    count('messages of one frame, many times');
    return Array.from({ length }, () => one);
  }

  /** @param isRight whether batches are such as execute: so many that they reach what a session may have unanswered */
  function frame(kind: Kind, isRight = false): Buffer {
    count(`sent ${kind}`);
    if (kind === 'batch' && isRight) return session.batch(true);
    if (kind === 'batch' && random.chance(0.85)) return random.chance(0.1) ? session.repeat() : session.batch(false);
    if (kind === 'sessionEnded' && random.chance(0.05)) {
      const ended = validFrame(source, kind, { session: session.hex() });
      session.begin();
      return ended;
    }
    return validFrame(source, kind, persona.isTrusted ? tamed(source, kind) : {});
  }

  /** What a WebSocket can have wrong with it, or may do that others seldom do. @returns how many frames were sent */
  function mischief(own: RawClient): number {
    const send = (payload: Uint8Array, shape: FrameShape = {}) => write(own, webSocketFrame(payload, shape));
    const text = Buffer.from('hello');
    const deeds: Readonly<Record<string, () => number>> = {
      fragments() {
        const { bytes, frames } = drawMessage();
        const pieces = random.int(2, 40);
        for (let nth = 0; nth < pieces; nth++) {
          const part = bytes.subarray((nth * bytes.length) / pieces, ((nth + 1) * bytes.length) / pieces);
          send(part, { opcode: nth === 0 ? OPCODE.binary : OPCODE.continuation, isLast: nth === pieces - 1 });
          if (random.chance(0.2)) send(Buffer.alloc(random.int(0, 125)), { opcode: OPCODE.ping });
        }
        return frames;
      },
      pings() {
        for (let nth = random.int(1, 200); nth > 0; nth--)
          send(Buffer.alloc(random.int(0, 125)), { opcode: OPCODE.ping });
        return 0;
      },
      pongs: () => (send(text, { opcode: OPCODE.pong }), 0),
      'two messages at once, in bits': () => {
        const [one, two] = [drawMessage(), drawMessage()];
        const all = Buffer.concat([webSocketFrame(one.bytes), webSocketFrame(two.bytes)]);
        const at = random.int(1, all.length - 1);
        write(own, all.subarray(0, at));
        write(own, all.subarray(at));
        return one.frames + two.frames;
      },
      'a text': () => (send(text, { opcode: OPCODE.text }), 1),
      'a text that is no UTF-8': () => (send(Buffer.of(0xff), { opcode: OPCODE.text }), 1),
      'an opcode that is none': () => (send(text, { opcode: random.pick([3, 7, 11, 15]) }), 1),
      'bits of extensions': () => (send(text, { reserved: random.int(1, 7) }), 1),
      'no mask': () => (send(text, { isMasked: false }), 1),
      'a ping that is too long': () => (send(Buffer.alloc(126), { opcode: OPCODE.ping }), 1),
      'a ping in fragments': () => (send(text, { opcode: OPCODE.ping, isLast: false }), 1),
      'a continuation of nothing': () => (send(text, { opcode: OPCODE.continuation }), 1),
      'a message that is too long': () => {
        send(text, { length: random.pick([MAX_FRAME_BYTES + 1, 2 ** 32, 2 ** 53, 2 ** 60]) });
        return 1;
      },
      'a message that never ends': () => {
        send(Buffer.alloc(random.int(0, MAX_UNFINISHED_BYTES)), { length: MAX_FRAME_BYTES });
        isLeaving = true;
        return 1;
      },
      'bytes that are no WebSocket': () => (write(own, Buffer.from(random.hex(random.int(1, 100)), 'hex')), 1),
    };
    const [what, deed] = random.pick(Object.entries(deeds));
    count(`WebSocket: ${what}`);
    return deed();
  }

  return {
    act,
    isConnected: () => client?.isOpen() === true,
    last: () => ({ persona, sent: sent.map((bytes) => bytes.toString('hex')) }),
  };
}

/** Most requests are right. @returns the HTTP request, or what is none */
function drawHead(random: Random, count: Count): string {
  if (random.chance(0.97)) return upgradeRequest();
  const [what, head] = random.pick([
    ['a page of a browser', upgradeRequest('Origin: https://example.com\r\n')],
    ['many headers', upgradeRequest('X-Filler: x\r\n'.repeat(100))],
    ['headers of 20 KB', upgradeRequest(`X-Filler: ${'x'.repeat(20_000)}\r\n`)],
    ['compression', upgradeRequest('Sec-WebSocket-Extensions: permessage-deflate\r\n')],
    ['no upgrade', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['another version', upgradeRequest().replace('Version: 13', 'Version: 99')],
    ['half a request', upgradeRequest().slice(0, random.int(1, 150))],
    ['no HTTP', random.hex(random.int(1, 2_000))],
  ] as const);
  count(`request: ${what}`);
  return head;
}

function rightHello({ role, token }: Persona): Fixed {
  return { protocol: PROTOCOL_VERSION, role, token, cluster: null, stamp: null };
}

/** One that is wrong somewhere. A client's stamp is not believed, a worker's is. */
function drawHello(source: Source, persona: Persona): Fixed {
  const { random } = source;
  const right = rightHello(persona);
  if (persona.isTrusted) return random.chance(0.5) ? { ...right, cluster: random.hex(16) } : { ...right, protocol: 1 };
  const { stamp: _, cluster: __, ...rest } = right;
  return random.pick<Fixed>([
    rest,
    rest,
    { ...right, protocol: undefined },
    { ...right, role: undefined },
    { ...right, token: 'wrong' },
  ]);
}

function drawClosing(random: Random): Buffer {
  const code = Buffer.alloc(2);
  code.writeUInt16BE(random.pick([0, 1000, 1001, 1005, 1015, 3000, 4999, 65_535]));
  return random.pick([Buffer.alloc(0), code.subarray(0, 1), code, Buffer.concat([code, Buffer.alloc(123, 'x')])]);
}

/** Frames of one message: often one, sometimes as many as go in. */
function drawLength(random: Random): number {
  const share = random.next();
  if (share < 0.5) return 1;
  if (share < 0.8) return random.int(2, 16);
  if (share < 0.95) return random.int(17, 128);
  return share < 0.99 ? random.int(129, MAX_FRAMES_IN_MESSAGE) : MAX_FRAMES_IN_MESSAGE;
}

/** With the control token, all of these that reach the Finder are done. */
const HARMFUL: readonly Kind[] = ['claim', 'graph', 'register', 'deleteWorker'];

function isHarmless(kind: Kind): boolean {
  return !HARMFUL.includes(kind);
}

const FOREIGN_ID = 1_000;

/** With the control token: nothing that an administrator or a worker would have done to the cluster. */
function tamed({ random }: Source, kind: Kind): Fixed {
  const id = random.pick([0, 1, 2]);
  const foreign = random.int(FOREIGN_ID, FOREIGN_ID + 100);
  switch (kind) {
    case 'claim': // of another generation than the members', or without the word that lets a volume begin one
      if (random.chance(0.5)) return { worker: id, generation: random.pick([0, 2, 2 ** 32 - 1]) };
      return {
        worker: foreign,
        generation: 0,
        state: 'unsaid',
        removed: 0,
        kept: [{ generation: 1, checkpoints: [{ worldLine: 1, version: 7 }] }],
      };
    case 'graph':
      return random.chance(0.5) ? { worker: foreign } : { worker: id, incarnation: FOREIGN_ID };
    case 'register':
      return { incarnation: FOREIGN_ID, boot: random.hex(16) };
    case 'deleteWorker':
      return { worker: foreign };
    default:
      return {};
  }
}
