/** What a client asks of its session's state machine. */
import type { Session } from './state.ts';

export function sessionWorldLine({ worldLine }: Session): number {
  return worldLine;
}

/** The number of the last call that was submitted; the next ones have those after it. */
export function sessionLastCall({ lastCall }: Session): number {
  return lastCall;
}

/** The session has had calls for this worker: it is told of its connections. */
export function sessionUses({ lanes }: Session, worker: number): boolean {
  return lanes.get(worker) !== undefined;
}

/**
 * May only the Finder know what the session waits for: a world-line that no worker has told it of, or what became of calls whose worker
 * was removed or is not connected?
 * @param worldLine the newest one that the client knows of
 */
export function sessionNeedsFinder({ worldLine: own, orphans, lanes }: Session, worldLine: number): boolean {
  if (own < worldLine || orphans.length > 0) return true;
  for (const { open, done, sent } of lanes.all) if (!open && done.length + sent.length > 0) return true;
  return false;
}
