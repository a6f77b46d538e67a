/** What chaos is done to. */

/** One process of the cluster, or the pod that runs it. Its name stays the same over restarts. */
export type Victim = { readonly name: string; readonly role: 'finder' | 'worker' };

/**
 * What is done to a victim: `kill` gives it no chance to say anything, `term` asks it to stop, `stop` lets it stand still for a
 * while and then go on. Of a victim in a pod also: `delete` asks Kubernetes to replace the pod, `force` has Kubernetes forget
 * it at once and replace it while its process may still run, `crash` is both a kill and that, as when a machine dies.
 */
export type Fault =
  { readonly kind: 'kill' | 'term' | 'delete' | 'force' | 'crash' } | { readonly kind: 'stop'; readonly forMs: number };

/** How a victim came back; all times are ms from the fault, or of one that was stopped from when it could go on. */
export type Recovered = {
  /** Until it served again: as its supervisor saw it, or where that is watched, until a session's operation completed there. */
  readonly tookMs: number;
  /** Until its successor reached the Finder, and until it told that it serves, by its own log and clock where it can be read. */
  readonly startedMs?: number;
  readonly servingMs?: number;
};

/** A victim's outage, from its fault until it serves again. */
export interface Outage {
  /** From when its time is taken, by `performance.now()`. */
  readonly since: number;
  /**
   * Waits until the victim serves again: a successor of what was killed, or what was stopped, after it went on.
   * @throws when `signal` says to wait no longer
   */
  recovered(signal: AbortSignal): Promise<Recovered>;
}

/** A running cluster whose processes can have faults. */
export interface Target {
  /** Who there is now, the Finder first, then the workers by id. */
  victims(): readonly Victim[] | Promise<readonly Victim[]>;
  /** @throws TargetError when the victim cannot have this fault */
  inject(victim: Victim, fault: Fault): Outage | Promise<Outage>;
  /** Undo what still has an effect: processes that stand still go on. */
  release(): void | Promise<void>;
}

/** Why a fault could not be injected, or a process not be found, for people. */
export class TargetError extends Error {
  override name = 'TargetError';
}
