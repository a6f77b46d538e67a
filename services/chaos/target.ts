/** What chaos is done to. */

/** One process of the cluster, or whatever runs it. Its name stays the same over restarts. */
export type Victim = { readonly name: string; readonly role: 'finder' | 'worker' };

/**
 * What is done to a victim: `kill` gives it no chance to say anything, `term` asks it to stop, `stop` lets it stand still for a
 * while and then go on.
 */
export type Blow =
  { readonly kind: 'kill' } | { readonly kind: 'term' } | { readonly kind: 'stop'; readonly forMs: number };

/** A victim that was struck. */
export interface Wounded {
  /**
   * Waits until the victim serves again: a successor of what was killed, or what was stopped, after it went on.
   * @returns how long that took, ms: from the blow, or of one that was stopped from when it could go on
   * @throws when `signal` says to wait no longer
   */
  recovered(signal: AbortSignal): Promise<number>;
}

/** A running cluster whose processes can be struck. */
export interface Target {
  /** Who there is now, the Finder first, then the workers by id. */
  victims(): readonly Victim[] | Promise<readonly Victim[]>;
  /** @throws StrikeError when the victim cannot be struck */
  strike(victim: Victim, blow: Blow): Wounded | Promise<Wounded>;
  /** Undo what still has an effect: whoever stands still goes on. */
  release(): void;
}

/** Why somebody could not be struck, or who could not be found, for people. */
export class StrikeError extends Error {
  override name = 'StrikeError';
}
