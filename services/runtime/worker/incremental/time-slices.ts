/** Long work in short turns of the event loop, with others' turns between. */
import type { Host, Timer } from '../../host.ts';
import { TURN_MS } from './limits.ts';

export type TurnHost = Pick<Host, 'now' | 'setTimeout' | 'clearTimeout' | 'setImmediate' | 'clearImmediate'>;

/**
 * A part of a work, which takes a fraction of a turn.
 * @param left how much may be done in this turn
 * @returns how much was done; undefined: nothing is left to do
 */
export type Step = (left: number) => number | undefined;

/** One turn, which ends after `most` of the work or after its time. @returns whether something may be left to do */
export function takeTurn({ now }: TurnHost, most: number, step: Step): boolean {
  const end = now() + TURN_MS;
  for (let left = most; left > 0;) {
    const done = step(left);
    if (done === undefined) return false;
    left -= done;
    if (now() >= end) break;
  }
  return true;
}

/** Resolves in a later turn. */
export function nextTurn(host: TurnHost): Promise<void> {
  return new Promise((resolve) => {
    host.setImmediate(resolve);
  });
}

export interface BackgroundWork {
  /** There is something to do. */
  start(): void;
  stop(): void;
}

/** Work in one turn after the other until nothing is left to do. */
export function backgroundWork(host: TurnHost, most: number, step: Step): BackgroundWork {
  let timer: Timer | undefined;
  function run(): void {
    timer = takeTurn(host, most, step) ? host.setImmediate(run) : undefined;
  }
  return {
    start() {
      timer ??= host.setImmediate(run);
    },
    stop() {
      host.clearImmediate(timer);
      timer = undefined;
    },
  };
}
