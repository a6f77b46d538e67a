/** The Finder, as a client uses it: asked for the membership now and then, and for the cut where no worker tells it. */
import { append } from '@dpr/core';
import type { Message, MessageOf } from '@dpr/protocol';
import type { Timer } from '@dpr/runtime/host';
import type { DprError } from '../errors.ts';
import { MEMBERSHIP_SPACING_MS } from '../limits.ts';
import { checkFinder, isFinal, openLink, type LinkOptions } from './link.ts';

export interface FinderOptions extends LinkOptions {
  /** How often to ask whether the membership changed, ms. */
  readonly pollMs: number;
}

/** Who uses the Finder. Its functions are never called within one of the Finder's. */
export interface FinderOwner {
  opened(welcome: MessageOf<'welcome'>): void;
  /** The version of the membership that is known. */
  known(): number;
  /** The smallest world-line of the sessions that need the Finder's word on the cut; undefined: none does. */
  behind(): number | undefined;
  membership(message: MessageOf<'cluster'>): void;
  frame(message: MessageOf<'cut'> | MessageOf<'error'>): void;
  /** It is away, for a reason that is news. */
  away(error: DprError): void;
  /** It refuses this client for good. */
  refused(error: DprError): void;
}

export interface Finder {
  readonly send: (message: Message) => void;
  /** Ask for the membership, soon. */
  readonly ask: () => void;
  /** Resolves once the membership was asked for, from now on, and answered; also when the Finder is closed. */
  readonly fresh: () => Promise<void>;
  /** Why it was away last, if it was. */
  readonly lastFailure: () => DprError | undefined;
  readonly close: () => void;
}

export function openFinder(options: FinderOptions, owner: FinderOwner): Finder {
  const { host, pollMs } = options;
  let timer: Timer | undefined;
  let askedAt = -Infinity;
  let closed = false;
  let lastFailure: DprError | undefined;
  /** Who waits for the answer to a question that is not asked yet, and to the one that is. */
  const toAsk: (() => void)[] = [];
  const asked: (() => void)[] = [];

  const link = openLink(options, {
    opened(welcome) {
      const stranger = checkFinder(options.address, welcome);
      if (stranger !== undefined) return stranger;
      owner.opened(welcome);
      askNow();
      return undefined;
    },
    frames(messages) {
      for (const message of messages) if (!closed) frame(message);
    },
    down(error) {
      append(toAsk, asked.splice(0));
      const isNews = lastFailure?.message !== error.message;
      lastFailure = error;
      if (isFinal(error)) owner.refused(error);
      else if (isNews) owner.away(error);
    },
  });
  let poll = host.setTimeout(askAgain, pollMs);

  function askAgain(): void {
    poll = host.setTimeout(askAgain, pollMs);
    askNow();
  }

  function frame(message: Message): void {
    switch (message.kind) {
      case 'cluster':
        owner.membership(message);
        for (const resolve of asked.splice(0)) resolve();
        return;
      case 'cut':
      case 'error':
        return owner.frame(message);
      default:
        return;
    }
  }

  function askNow(): void {
    host.clearTimeout(timer);
    timer = undefined;
    askedAt = host.now();
    if (!link.isOpen()) return;
    append(asked, toAsk.splice(0));
    link.send({ kind: 'fetchCluster', known: owner.known() });
    const worldLine = owner.behind();
    if (worldLine !== undefined) link.send({ kind: 'refresh', worldLine });
  }

  function ask(): void {
    if (timer !== undefined || closed) return;
    timer = host.setTimeout(askNow, Math.max(0, askedAt + MEMBERSHIP_SPACING_MS - host.now()));
  }

  return {
    send: (message) => link.send(message),
    ask,
    fresh: () =>
      new Promise((resolve) => {
        if (closed) return resolve();
        toAsk.push(resolve);
        ask();
      }),
    lastFailure: () => lastFailure,
    close() {
      closed = true;
      host.clearTimeout(poll);
      host.clearTimeout(timer);
      link.close();
      for (const resolve of [...toAsk.splice(0), ...asked.splice(0)]) resolve();
    },
  };
}
