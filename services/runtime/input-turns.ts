/** Ends the input of a turn of the event loop in time: who still has frames then hands them over in the next turn. */
import type { Host } from './host.ts';

/** Those with frames to hand over; an object for each peer, so that it is in a turn's list once. */
export interface Waiter {
  readonly goOn: () => void;
}

export interface InputTurns {
  /** Whether frames are to wait for the next turn. In each turn, the first who asks need not. */
  isOver(): boolean;
  /** Go on in the next turn, after those that waited before. */
  wait(waiter: Waiter): void;
}

/**
 * @param ms how long a turn hands frames over
 * @param isBusy whether the owner has older ones to deal with first
 */
export function inputTurns(host: Pick<Host, 'now' | 'setImmediate'>, ms: number, isBusy: () => boolean): InputTurns {
  const waiting = new Set<Waiter>();
  /** When the input of this turn ends; undefined: it has not begun. */
  let end: number | undefined;
  let isDue = false;

  function nextTurn(): void {
    end = undefined;
    isDue = false;
    const due = [...waiting];
    waiting.clear();
    for (const { goOn } of due) goOn();
  }

  function endWithTurn(): void {
    if (isDue) return;
    isDue = true;
    host.setImmediate(nextTurn);
  }

  return {
    isOver() {
      if (isBusy()) return true;
      if (end !== undefined) return host.now() >= end;
      end = host.now() + ms;
      endWithTurn();
      return false;
    },
    wait(waiter) {
      waiting.add(waiter);
      endWithTurn();
    },
  };
}
