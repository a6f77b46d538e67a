/** Waiting, for a limited time, for what a change of the scene may bring. */
import { Failure } from './failure.ts';

export interface Waits {
  /** Looks again at all that is waited for. */
  readonly changed: () => void;
  /**
   * Resolves with what `look` finds: at once, or after a change.
   *
   * @param look undefined: not yet. What it throws ends the wait
   * @param late why the wait fails when the time is over
   */
  until<T>(look: () => T | undefined, late: () => string): Promise<T>;
}

export function createWaits(patienceMs: number): Waits {
  const looks = new Set<() => void>();
  return {
    changed() {
      for (const look of [...looks]) look();
    },
    until: (look, late) =>
      new Promise((resolve, reject) => {
        const end = (settle: () => void): void => {
          clearTimeout(limit);
          looks.delete(attempt);
          settle();
        };
        const attempt = (): void => {
          try {
            const found = look();
            if (found !== undefined) end(() => resolve(found));
          } catch (error) {
            end(() => reject(error instanceof Error ? error : new Error(String(error))));
          }
        };
        const limit = setTimeout(() => end(() => reject(new Failure(late()))), patienceMs);
        looks.add(attempt);
        attempt();
      }),
  };
}
