/** Messages in the plain values of WIRE.md's JSON: maps as objects, bytes as hex, what is absent as null. */
import { encode, type Message } from '@dpr/protocol';

export interface PlainFrame {
  readonly kind: Message['kind'];
  readonly fields: unknown;
  readonly hex: string;
}

export function plainFrame(message: Message): PlainFrame {
  return { kind: message.kind, fields: plainFields(message), hex: encode(message).toString('hex') };
}

export function plainFields({ kind: _, ...fields }: Message): unknown {
  return plain(fields);
}

export function plain(value: unknown): unknown {
  if (value === undefined) return null;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, one]) => [String(key), plain(one)]));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]));
}
