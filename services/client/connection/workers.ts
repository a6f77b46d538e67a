/** One connection per worker that some session deals with, shared by all of them. */
import type { Member, Message, MessageOf } from '@dpr/protocol';
import { workerAddress } from './addresses.ts';
import { ConnectError, type DprError } from '../errors.ts';
import { isFinal, openLink, type Link, type LinkOptions } from './link.ts';
import { createOutbox, type Outbox } from './outbox.ts';
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

interface Worker {
  readonly address: string;
  readonly link: Link;
  readonly outbox: Outbox;
  peer: OpenWorker | undefined;
  /** When it began to refuse this client, if it has done nothing else since. */
  refusedSince: number | undefined;
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
    if (address === undefined || workers.has(id)) return;
    const link = openLink(
      { ...options, address },
      {
        opened: (welcome) => opened(id, welcome),
        frames: (messages) => owner.frames(id, messages),
        drained: () => outbox.drained(),
        down(error) {
          outbox.clear();
          away(id, error.message);
          failed(id, error);
          owner.astray();
        },
      },
    );
    const outbox = createOutbox(link);
    workers.set(id, { address, link, outbox, peer: undefined, refusedSince: undefined });
  }

  /** Frames go only to the worker that they are meant for: not to its predecessor, nor to another process at its address. */
  function opened(id: number, welcome: MessageOf<'welcome'>): DprError | undefined {
    const worker = workers.get(id);
    const found = welcome.worker;
    const generation = options.member(id)?.generation ?? 0;
    if (worker === undefined || found?.id !== id || found.generation < generation) {
      const who = found === undefined ? 'no worker' : `worker ${found.id} of generation ${found.generation}`;
      return new ConnectError(`${who} answers where worker ${id} of generation ${generation} should be`);
    }
    worker.peer = { generation: found.generation, type: found.type };
    worker.refusedSince = undefined;
    owner.opened(id, worker.peer, welcome);
    return undefined;
  }

  function away(id: number, reason: string): void {
    const worker = workers.get(id);
    if (worker?.peer === undefined) return;
    worker.peer = undefined;
    owner.closed(id, reason);
  }

  function failed(id: number, error: DprError): void {
    const worker = workers.get(id);
    if (worker === undefined) return;
    const now = options.host.now();
    worker.refusedSince = isFinal(error) ? (worker.refusedSince ?? now) : undefined;
    if (worker.refusedSince !== undefined) owner.refused(id, error, now - worker.refusedSince);
  }

  return {
    send: (id, message) => workers.get(id)?.outbox.send(message),
    connect(id) {
      wanted.add(id);
      open(id);
      return workers.get(id)?.peer;
    },
    peer: (id) => workers.get(id)?.peer,
    membershipChanged() {
      for (const [id, worker] of [...workers]) {
        if (addressOf(id) === worker.address) continue;
        worker.link.close();
        away(id, 'it is a member no more, or lives elsewhere');
        workers.delete(id);
      }
      for (const id of wanted) open(id);
    },
    close() {
      for (const { link } of workers.values()) link.close();
      workers.clear();
    },
  };
}
