/** The turns of one store: what it does, one thing after another, until it learns that the volume is not its own any more. */
import { SupersededError, VolumeLostError, isGone } from './errors.ts';
import type { ManifestLog } from './manifest-log.ts';
import { takeTurns } from './one-at-a-time.ts';

/** Runs the work after what was begun before. @throws SupersededError, VolumeLostError once the store has noticed either */
export type Turn = <T>(work: () => Promise<T>) => Promise<T>;

export function storeTurns(log: ManifestLog): { readonly turn: Turn; readonly close: () => Promise<void> } {
  const inTurn = takeTurns();
  /** Why this store does nothing more. */
  let over: SupersededError | VolumeLostError | undefined;

  function turn<T>(work: () => Promise<T>): Promise<T> {
    return inTurn(async () => {
      if (over !== undefined) throw over;
      try {
        return await lookingFor(work);
      } catch (error) {
        if (error instanceof SupersededError || error instanceof VolumeLostError) over = error;
        throw error;
      }
    });
  }

  /** Where a name leads nowhere it is no use to try again: the volume is what is gone. */
  async function lookingFor<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (isGone(error)) await log.refuseIfLost();
      throw error;
    }
  }

  return { turn, close: () => inTurn(() => log.close()) };
}
