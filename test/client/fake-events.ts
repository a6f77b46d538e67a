/** Events of a cluster that a test makes up. */
import type { PastEvent } from '@dpr/protocol';

/** In the order of their numbers on the wire. */
export const PAST_EVENT_KINDS: readonly PastEvent['kind'][] = [
  ...(['finderStarted', 'joined', 'restarted', 'away', 'back'] as const),
  ...(['silent', 'answersAgain', 'leaving', 'left', 'rolledBack'] as const),
];

/** One that says more than its kind does. */
export function pastEventOf(kind: PastEvent['kind'], fields: Partial<PastEvent> = {}): PastEvent {
  const ofWorker = { worker: 0, generation: 1, type: 'counter', restarts: 3, forced: true, forMs: 1_500 };
  return { number: 1, agoMs: 0, kind, worldLine: 1, ...ofWorker, operations: 1_234, ...fields };
}
