/** A peer that speaks raw frames, for tests. */
import { AMOUNT_BYTES, writeAmounts } from '@dpr/counter';
import { decodeMessage, encode, PROTOCOL_VERSION, type Batch, type Message, type MessageOf } from '@dpr/protocol';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { hello } from './hello.ts';

export interface Peer {
  readonly ws: WebSocket;
  /** Everything that came so far. */
  readonly received: readonly Message[];
  send(message: Message): void;
  /** The first frame of this kind, from those that came and were not taken yet, that fulfils `wanted`; it is taken. */
  next<K extends Message['kind']>(kind: K, wanted?: (message: MessageOf<K>) => boolean): Promise<MessageOf<K>>;
  /** Resolves with the status code once the connection has ended. */
  readonly closed: Promise<number>;
  close(): void;
}

/** What a server without workers of its own answers a greeting with. */
export const welcome: MessageOf<'welcome'> = {
  kind: 'welcome',
  protocol: PROTOCOL_VERSION,
  cluster: 'c'.repeat(32),
  worldLine: 1,
  controlPort: 0,
  worker: undefined,
};

/** Connect without greeting. @param from the address to connect from: any that begins with 127 */
export async function connect(port: number, from = '127.0.0.1'): Promise<Peer> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false, localAddress: from });
  const received: Message[] = [];
  const untaken: Message[] = [];
  const waiting = new Set<() => void>();
  ws.on('message', (data) => {
    const messages = decodeMessage(data as Buffer);
    received.push(...messages);
    untaken.push(...messages);
    for (const look of [...waiting]) look();
  });
  const closed = new Promise<number>((resolve) => ws.on('close', resolve));
  ws.on('error', () => undefined);
  await Promise.race([
    once(ws, 'open'),
    closed.then(() => {
      throw new Error(`no process listens at port ${port}`);
    }),
  ]);

  function take<K extends Message['kind']>(kind: K, wanted: (message: MessageOf<K>) => boolean) {
    const place = untaken.findIndex((message) => message.kind === kind && wanted(message as MessageOf<K>));
    return place < 0 ? undefined : (untaken.splice(place, 1)[0] as MessageOf<K>);
  }

  return {
    ws,
    received,
    closed,
    send: (message) => ws.send(encode(message)),
    next: (kind, wanted = () => true) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = take(kind, wanted);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
        void closed.then((code) => reject(new Error(`closed (${code}) while waiting for '${kind}'`)));
      }),
    close: () => ws.terminate(),
  };
}

/** Connect and greet. */
export async function greet(
  port: number,
  fields: Partial<MessageOf<'hello'>> = {},
  from?: string,
): Promise<Peer & { readonly welcome: MessageOf<'welcome'> }> {
  const peer = await connect(port, from);
  peer.send(hello(fields));
  return { ...peer, welcome: await peer.next('welcome') };
}

export function batch(fields: Pick<Batch, 'session' | 'sequence' | 'operations'> & Partial<Batch>): Batch {
  return {
    kind: 'batch',
    urgent: false,
    count: fields.operations.length / AMOUNT_BYTES,
    worldLine: 1,
    generation: 1,
    acknowledged: 0,
    version: 0,
    dependencies: new Map(),
    ...fields,
  };
}

/** A counter's operations. */
export function amounts(...values: number[]): Buffer {
  const bytes = Buffer.alloc(AMOUNT_BYTES * values.length);
  writeAmounts(bytes, 0, values);
  return bytes;
}
