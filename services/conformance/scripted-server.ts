/** A server on the stage: it greets by itself, and keeps the frames that the scenario takes. */
import { PROTOCOL_VERSION, type Message, type MessageOf } from '@dpr/protocol';
import { check, Failure } from './failure.ts';
import { openServer, type GameServer, type Peer } from './server.ts';
import { CLUSTER } from './cluster-truth.ts';
import { createWaits } from './waits.ts';

/** A frame that came, and over which connection. */
export interface Arrival<K extends Message['kind']> {
  readonly message: MessageOf<K>;
  readonly peer: Peer;
}

/** How a server answers greetings from now on; undefined: as it should. */
export type Welcome = (hello: MessageOf<'hello'>) => Message | undefined;

export interface Party {
  /** Frames of this kind that are answered by hand, the next of them. */
  next<K extends Message['kind']>(kind: K): Promise<Arrival<K>>;
  /** How many of this kind came and were not taken. */
  untaken(kind: Message['kind']): number;
  /** The next connection that greeted and was answered with `welcome`. */
  accept(): Promise<Peer>;
  /** The connection that is open now. */
  peer(): Peer;
  greetWith(welcome: Welcome | undefined): void;
  /** The greetings that came so far. */
  readonly greetings: readonly MessageOf<'hello'>[];
  /** The next greeting is answered, with anything. */
  greeted(count: number): Promise<void>;
}

export interface PartyOptions {
  readonly name: string;
  readonly patienceMs: number;
  /** What went wrong without being waited for, at any server: it is added here, and ends every wait. */
  readonly violations: string[];
  /** How it answers a greeting, unless the scenario says otherwise. */
  readonly usual: () => MessageOf<'welcome'>;
  /** What it does by itself about a frame. @returns true if the scenario need not see it */
  readonly reflex: (peer: Peer, message: Message) => boolean;
  readonly opened?: (peer: Peer) => void;
}

export async function openParty(
  options: PartyOptions,
): Promise<{ readonly server: GameServer; readonly party: Party }> {
  const { name, patienceMs, violations, usual, reflex } = options;
  const inbox = createInbox(name, patienceMs, violations);
  const greetings: MessageOf<'hello'>[] = [];
  let welcome: Welcome | undefined;

  function violate(text: string): void {
    violations.push(text);
    inbox.changed();
  }

  function attempt(step: () => unknown): void {
    try {
      step();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      violate(error.message);
    }
  }

  const server = await openServer(name, patienceMs, {
    answer(hello) {
      greetings.push(hello);
      attempt(() => checkHello(name, hello));
      inbox.changed();
      return welcome?.(hello) ?? usual();
    },
    opened(peer) {
      options.opened?.(peer);
      inbox.opened(peer);
    },
    frame: (peer, message) => attempt(() => reflex(peer, message) || inbox.take(peer, message)),
    violation: violate,
  });
  const party: Party = {
    next: inbox.next,
    untaken: inbox.untaken,
    accept: inbox.accept,
    peer: inbox.peer,
    greetings,
    greetWith: (how) => void (welcome = how),
    greeted: (count) => inbox.until(`greeting ${count}`, () => (greetings.length >= count ? true : undefined)).then(),
  };
  return { server, party };
}

function checkHello(name: string, hello: MessageOf<'hello'>): void {
  check(hello.protocol === PROTOCOL_VERSION, () => `it greets ${name} with version ${hello.protocol} of the protocol`);
  check(hello.role === 'client', () => `it greets ${name} as a ${hello.role}`);
  check(hello.stamp === undefined, () => `it greets ${name} with a stamp, which only workers have`);
  check(hello.cluster === undefined || hello.cluster === CLUSTER, () => `it greets ${name} as of another cluster`);
  check(hello.token === '', () => `it greets ${name} with a token that it was not given`);
}

export function checkKind(name: string, { kind }: Message, allowed: readonly Message['kind'][]): void {
  check(allowed.includes(kind), () => `it sends '${kind}' to ${name}, which a client may not`);
}

interface Inbox extends Pick<Party, 'next' | 'untaken' | 'accept' | 'peer'> {
  opened(peer: Peer): void;
  take(peer: Peer, message: Message): void;
  readonly changed: () => void;
  until<T>(what: string, look: () => T | undefined): Promise<T>;
}

function createInbox(name: string, patienceMs: number, violations: readonly string[]): Inbox {
  const untaken: { message: Message; peer: Peer }[] = [];
  const accepted: Peer[] = [];
  const waits = createWaits(patienceMs);
  let last: Peer | undefined;

  function until<T>(what: string, look: () => T | undefined): Promise<T> {
    const lookUnlessViolated = (): T | undefined => {
      const [violation] = violations;
      if (violation !== undefined) throw new Failure(violation);
      return look();
    };
    return waits.until(lookUnlessViolated, () => {
      const kinds = untaken.map(({ message }) => message.kind).join(', ');
      return `${name} waits for ${what}, and it did not come within ${patienceMs} ms; there is ${kinds || 'nothing'}`;
    });
  }

  return {
    changed: waits.changed,
    until,
    opened(peer) {
      last = peer;
      accepted.push(peer);
      waits.changed();
    },
    take(peer, message) {
      untaken.push({ message, peer });
      waits.changed();
    },
    next: <K extends Message['kind']>(kind: K) =>
      until(`a ${kind}`, () => {
        const place = untaken.findIndex(({ message }) => message.kind === kind);
        return place < 0 ? undefined : (untaken.splice(place, 1)[0] as unknown as Arrival<K>);
      }),
    untaken: (kind) => untaken.filter(({ message }) => message.kind === kind).length,
    accept: () => until('a connection', () => accepted.shift()),
    peer() {
      if (last?.isOpen() !== true) throw new Failure(`${name} has no open connection`);
      return last;
    },
  };
}
