/** What servers said to any connection of this process: numbers and identities by the name of their field, to be said again elsewhere. */
import type { Message } from '@dpr/protocol';
import type { Random } from '../../simulation/random.ts';

export interface Knowledge {
  learn(message: Message): void;
  /** A value that came under this name, or now and then under another one; undefined when nothing fits. */
  number(random: Random, name: string): number | undefined;
  hex(random: Random, name: string, digits: number): string | undefined;
  /** An identity of one's own, such as a session, that others may use too. */
  share(name: string, hex: string): void;
}

/** Values that are remembered of a name: the newest ones. */
const REMEMBERED = 64;
/** Of a list or a map only so many items are looked at. */
const ITEMS = 8;
const OTHER_NAME = 0.1;

interface Ring<T> {
  readonly values: T[];
  next: number;
}

export function createKnowledge(): Knowledge {
  const numbers = new Map<string, Ring<number>>();
  const texts = new Map<string, Ring<string>>();

  function take(name: string, value: unknown): void {
    if (typeof value === 'number') return remember(numbers, name, value);
    if (typeof value === 'string') return /^[0-9a-f]{16,32}$/.test(value) ? remember(texts, name, value) : undefined;
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
    if (value instanceof Map) {
      for (const [worker, number] of [...value].slice(0, ITEMS)) {
        take('worker', worker);
        take('version', number);
      }
    } else if (Array.isArray(value)) {
      for (const item of value.slice(0, ITEMS)) take(name, item);
    } else {
      for (const [own, inner] of Object.entries(value)) take(own, inner);
    }
  }

  return {
    learn: (message) => take('', message),
    number: (random, name) => recall(random, numbers, name),
    hex(random, name, digits) {
      const found = recall(random, texts, name);
      return found?.length === digits ? found : undefined;
    },
    share: (name, hex) => remember(texts, name, hex),
  };
}

function remember<T>(rings: Map<string, Ring<T>>, name: string, value: T): void {
  let ring = rings.get(name);
  if (ring === undefined) rings.set(name, (ring = { values: [], next: 0 }));
  ring.values[ring.next] = value;
  ring.next = (ring.next + 1) % REMEMBERED;
}

function recall<T>(random: Random, rings: ReadonlyMap<string, Ring<T>>, name: string): T | undefined {
  const ring = random.chance(OTHER_NAME) ? random.pick([...rings.values(), undefined]) : rings.get(name);
  return ring === undefined ? undefined : random.pick(ring.values);
}
