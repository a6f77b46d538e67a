/** When a client asks the Finder for the membership: now and then, and soon where a caller needs it. */
import { append } from '@dpr/core';
import type { Host, Timer } from '@dpr/runtime/host';
import { MEMBERSHIP_SPACING_MS } from '../limits.ts';

export interface MembershipQuestions {
  /** Ask at once, if the Finder is there. */
  readonly askNow: () => void;
  /** Ask soon. */
  readonly ask: () => void;
  /** Resolves once the membership was asked for, from now on, and answered; also when these questions are closed. */
  readonly fresh: () => Promise<void>;
  readonly answered: () => void;
  /** The Finder is gone: what was asked will not be answered, and is to be asked again. */
  readonly lost: () => void;
  readonly close: () => void;
}

/**
 * @param pollMs how often to ask in any case
 * @param send asks the Finder; @returns whether it is there
 */
export function membershipQuestions(host: Host, pollMs: number, send: () => boolean): MembershipQuestions {
  let timer: Timer | undefined;
  let askedAt = -Infinity;
  let closed = false;
  /** Who waits for the answer to a question that is not asked yet, and to the one that is. */
  const toAsk: (() => void)[] = [];
  const asked: (() => void)[] = [];
  let poll = host.setTimeout(askAgain, pollMs);

  function askAgain(): void {
    poll = host.setTimeout(askAgain, pollMs);
    askNow();
  }

  function askNow(): void {
    host.clearTimeout(timer);
    timer = undefined;
    askedAt = host.now();
    if (send()) append(asked, toAsk.splice(0));
  }

  function ask(): void {
    if (timer !== undefined || closed) return;
    timer = host.setTimeout(askNow, Math.max(0, askedAt + MEMBERSHIP_SPACING_MS - host.now()));
  }

  return {
    askNow,
    ask,
    fresh: () =>
      new Promise((resolve) => {
        if (closed) return resolve();
        toAsk.push(resolve);
        ask();
      }),
    answered() {
      for (const resolve of asked.splice(0)) resolve();
    },
    lost: () => append(toAsk, asked.splice(0)),
    close() {
      closed = true;
      host.clearTimeout(poll);
      host.clearTimeout(timer);
      for (const resolve of [...toAsk.splice(0), ...asked.splice(0)]) resolve();
    },
  };
}
