/** The Finder, as a client uses it: asked for the membership now and then, and for the cut where no worker tells it. */
import type { Message, MessageOf } from '@dpr/protocol';
import type { DprError } from '../errors.ts';
import { checkFinder, isFinal, openLink, type LinkOptions } from './link.ts';
import { membershipQuestions } from './membership-questions.ts';

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
  let closed = false;
  let lastFailure: DprError | undefined;

  const link = openLink(options, {
    opened(welcome) {
      const stranger = checkFinder(options.address, welcome);
      if (stranger !== undefined) return stranger;
      owner.opened(welcome);
      questions.askNow();
      return undefined;
    },
    frames(messages) {
      for (const message of messages) if (!closed) frame(message);
    },
    down(error) {
      questions.lost();
      const isNews = lastFailure?.message !== error.message;
      lastFailure = error;
      if (isFinal(error)) owner.refused(error);
      else if (isNews) owner.away(error);
    },
  });
  const questions = membershipQuestions(options.host, options.pollMs, send);

  function frame(message: Message): void {
    switch (message.kind) {
      case 'cluster':
        owner.membership(message);
        return questions.answered();
      case 'cut':
      case 'error':
        return owner.frame(message);
      default:
        return;
    }
  }

  function send(): boolean {
    if (!link.isOpen()) return false;
    link.send({ kind: 'fetchCluster', known: owner.known() });
    const worldLine = owner.behind();
    if (worldLine !== undefined) link.send({ kind: 'refresh', worldLine });
    return true;
  }

  return {
    send: (message) => link.send(message),
    ask: questions.ask,
    fresh: questions.fresh,
    lastFailure: () => lastFailure,
    close() {
      closed = true;
      link.close();
      questions.close();
    },
  };
}
