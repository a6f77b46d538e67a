/** Removals that are announced, and carried out unless the config has the workers again by then. */
import { type Countdown, countdown, DOUBT_FACTOR, finish, isDoubtful, REAL_CLOCK } from './countdown.ts';
import type { Desired } from './desired-cluster.ts';
import type { Emit } from './events.ts';

export type RemovalsOptions = {
  /** How long the config has to stay as it is, ms. */
  readonly delayMs: number;
  readonly emit: Emit;
  /** What the config says now; undefined: nothing that can be used. */
  readonly read: () => Promise<Desired | undefined>;
  /** Runs the work after what changes the cluster already. */
  readonly inTurn: (work: () => Promise<void>) => void;
};

export type Removal = {
  readonly workers: readonly number[];
  /** How many workers there are, these included: a config that lost many of them may be half written. */
  readonly total: number;
  /** By the config as it is in the end. */
  readonly isMissing: (now: Desired) => boolean;
  readonly act: () => void | Promise<void>;
};

export interface Removals extends Pick<Countdown, 'cancel' | 'left'> {
  /** Announces it, in place of one that was announced before. */
  begin(removal: Removal): void;
}

export function createRemovals({ delayMs, emit, read, inTurn }: RemovalsOptions): Removals {
  const wait = countdown(REAL_CLOCK);
  return {
    cancel: () => wait.cancel(),
    left: () => wait.left(),
    begin({ workers, total, isMissing, act }) {
      const doubtful = isDoubtful(workers.length, total);
      const ms = delayMs * (doubtful ? DOUBT_FACTOR : 1);
      emit({ event: 'removalPending', workers, delayMs: ms, doubtful });
      const isStill = async (): Promise<boolean> => {
        const now = await read();
        return now !== undefined && isMissing(now);
      };
      wait.begin(workers, ms, () => inTurn(() => finish(wait, isStill, act)));
    },
  };
}
