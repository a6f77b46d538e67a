/** Events of a cluster in words, for people. */
import type { ClusterEvent } from './events.ts';
import type { PastEvent } from './past-events.ts';
import { count, duration } from './status-table.ts';

export function eventText(event: ClusterEvent): string {
  switch (event.kind) {
    case 'joined':
      return `worker ${event.worker} joined (${event.type}, generation ${event.generation})`;
    case 'restarted':
      return `worker ${event.worker} was started anew (${event.restarts} ${event.restarts === 1 ? 'restart' : 'restarts'} after a failure so far)`;
    case 'silent':
      return `worker ${event.worker} is silent for ${duration(event.forMs)}: nothing that depends on it commits`;
    case 'answersAgain':
      return `worker ${event.worker} answers again`;
    case 'leaving':
      return `worker ${event.worker} is leaving`;
    case 'left':
      return `worker ${event.worker} left`;
    case 'rolledBack':
      return `rollback: world-line ${event.worldLine} began; what was not committed in ${event.from} is lost`;
    case 'cut':
      return `more is committed of ${[...event.advanced.keys()].map((id) => `worker ${id}`).join(', ')}`;
  }
}

/** What happened in the same words as when it is watched, and what only the Finder knows. */
export function pastEventText(event: PastEvent): string {
  switch (event.kind) {
    case 'finderStarted':
      return `the Finder started, in world-line ${event.worldLine}`;
    case 'away':
      return `worker ${event.worker} is away: its connection to the Finder ended`;
    case 'back':
      return `worker ${event.worker} is back`;
    case 'left':
      return event.forced ? `worker ${event.worker} was removed by force` : eventText(event);
    case 'rolledBack':
      return `rollback: ${rollbackText(event)}`;
    default:
      return eventText(event);
  }
}

/** What began it, and what it took. */
export function rollbackText(event: Extract<PastEvent, { readonly kind: 'rolledBack' }>): string {
  const { worldLine, worker, forced, operations } = event;
  const cause = forced ? 'was removed by force' : 'was started anew without a clean stop';
  const lost = operations === 1 ? '1 operation' : `${count(operations)} operations`;
  return `world-line ${worldLine} began, because worker ${worker} ${cause}; it took back about ${lost}`;
}
