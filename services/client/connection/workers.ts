/** One connection per worker that some session deals with, shared by all of them. */
import type { Member, Message, MessageOf } from '@dpr/protocol';
import { workerAddress } from './addresses.ts';
import { ConnectError, type DprError } from '../errors.ts';
import { isFinal, openLink, type LinkOptions } from './link.ts';
import { createOutbox } from './outbox.ts';
import type { OpenWorker } from '../session/session-host.ts';

export interface WorkersOptions extends Omit<LinkOptions, 'address'> {
  /** By which address the Finder was reached. */
  readonly finder: URL;
  /** The member with this id, as the Finder last told. */
  member(id: number): Member | undefined;
}

/** Who uses the workers. Its functions are never called within one of theirs, but for `closed` within `membershipChanged`. */
export interface WorkersOwner {
  opened(id: number, peer: OpenWorker, welcome: MessageOf<'welcome'>): void;
  frames(id: number, messages: readonly Message[]): void;
  /** Once for each that was opened. */
  closed(id: number, reason: string): void;
  /** It refuses this client, and has done nothing else for this long, ms: 0 the first time. */
  refused(id: number, error: DprError, forMs: number): void;
  /** A worker is not where the membership says. */
  astray(): void;
}

export interface Workers {
  readonly send: (id: number, message: Message) => void;
  /** A connection is wanted from now on, as soon as the worker is a member; @returns the worker if it is connected */
  readonly connect: (id: number) => OpenWorker | undefined;
  /** The worker, if it is connected. */
  readonly peer: (id: number) => OpenWorker | undefined;
  readonly membershipChanged: () => void;
  readonly close: () => void;
}

/** A connection to one worker. */
interface Worker {
  readonly address: string;
  readonly send: (message: Message) => void;
  /** The worker, if it is connected. */
  readonly peer: () => OpenWorker | undefined;
  /** @param why what the owner is told, if the worker is connected */
  readonly leave: (why: string) => void;
  readonly close: () => void;
}

export function openWorkers(options: WorkersOptions, owner: WorkersOwner): Workers {
  const wanted = new Set<number>();
  const workers = new Map<number, Worker>();

  function addressOf(id: number): string | undefined {
    const member = options.member(id);
    return member === undefined ? undefined : workerAddress(options.finder, member);
  }

  function open(id: number): void {
    const address = addressOf(id);
    if (address !== undefined && !workers.has(id)) workers.set(id, openWorker(id, { ...options, address }, owner));
  }

  return {
    send: (id, message) => workers.get(id)?.send(message),
    connect(id) {
      wanted.add(id);
      open(id);
      return workers.get(id)?.peer();
    },
    peer: (id) => workers.get(id)?.peer(),
    membershipChanged() {
      for (const [id, worker] of [...workers]) {
        if (addressOf(id) === worker.address) continue;
        worker.leave('it is a member no more, or lives elsewhere');
        workers.delete(id);
      }
      for (const id of wanted) open(id);
    },
    close() {
      for (const worker of workers.values()) worker.close();
      workers.clear();
    },
  };
}

function openWorker(id: number, options: WorkersOptions & LinkOptions, owner: WorkersOwner): Worker {
  let peer: OpenWorker | undefined;
  /** When it began to refuse this client, if it has done nothing else since. */
  let refusedSince: number | undefined;
  const link = openLink(options, {
    opened,
    frames: (messages) => owner.frames(id, messages),
    drained: () => outbox.drained(),
    down(error) {
      outbox.clear();
      away(error.message);
      failed(error);
      owner.astray();
    },
  });
  const outbox = createOutbox(link);

  /** Frames go only to the worker that they are meant for: not to its predecessor, nor to another process at its address. */
  function opened(welcome: MessageOf<'welcome'>): DprError | undefined {
    const found = welcome.worker;
    const generation = options.member(id)?.generation ?? 0;
    if (found?.id !== id || found.generation < generation) {
      const who = found === undefined ? 'no worker' : `worker ${found.id} of generation ${found.generation}`;
      return new ConnectError(`${who} answers where worker ${id} of generation ${generation} should be`);
    }
    peer = { generation: found.generation, type: found.type };
    refusedSince = undefined;
    owner.opened(id, peer, welcome);
    return undefined;
  }

  function away(reason: string): void {
    if (peer === undefined) return;
    peer = undefined;
    owner.closed(id, reason);
  }

  function failed(error: DprError): void {
    const now = options.host.now();
    refusedSince = isFinal(error) ? (refusedSince ?? now) : undefined;
    if (refusedSince !== undefined) owner.refused(id, error, now - refusedSince);
  }

  return {
    address: options.address,
    send: outbox.send,
    peer: () => peer,
    leave(why) {
      link.close();
      away(why);
    },
    close: () => link.close(),
  };
}
