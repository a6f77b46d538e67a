/** What happened in a cluster, as the Finder remembers it. */
import type { MessageOf, PastEvent as ToldEvent } from '@dpr/protocol';

/** Something that happened, perhaps long before the operator connected. */
export type PastEvent = {
  /** Counts the events of one start of the Finder, from 1. */
  readonly number: number;
  readonly agoMs: number;
  /** The newest world-line then. */
  readonly worldLine: number;
} & PastEventOfKind;

type PastEventOfKind =
  /** The first event of each start of the Finder. */
  | { readonly kind: 'finderStarted' }
  /**
   * `joined`: the worker is a member, for the first time or in a new generation. `restarted`: its process was started anew, and joined
   * again. `restarts`: how many starts of this generation, after the first, no clean stop preceded.
   */
  | (OfWorker & { readonly kind: 'joined' | 'restarted'; readonly type: string; readonly restarts: number })
  /** The worker's connection to the Finder ended, while the worker was a member; and there is one again. */
  | (OfWorker & { readonly kind: 'away' | 'back' })
  /** The worker is connected, and does not answer; and it answers again. `forMs`: for how long it had not answered. */
  | (OfWorker & { readonly kind: 'silent' | 'answersAgain'; readonly forMs: number })
  /** An operator asked the worker to leave. */
  | (OfWorker & { readonly kind: 'leaving' })
  /** The worker is a member no more. */
  | (OfWorker & { readonly kind: 'left'; readonly forced: boolean })
  /**
   * A failure lost something that was not committed, and all workers went back to the cut: the worker was removed by force, or its process
   * was started anew without a clean stop. `operations`: about how many were lost, as far as workers had told the Finder.
   */
  | (OfWorker & { readonly kind: 'rolledBack'; readonly forced: boolean; readonly operations: number });

interface OfWorker {
  readonly worker: number;
  readonly generation: number;
}

export interface PastEvents {
  /** Names the start of the Finder, 16 hex digits: where it is another one than before, numbers began anew. */
  readonly start: string;
  /** In the order of their numbers, which have no gap. */
  readonly events: readonly PastEvent[];
}

/** The events with what belongs to the kind of each, and nothing else. */
export function pastEvents({ start, events }: MessageOf<'eventsAnswer'>): PastEvents {
  return { start, events: events.map(pastEvent) };
}

function pastEvent(told: ToldEvent): PastEvent {
  const { kind, number, agoMs, worldLine, worker, generation, type, restarts, forced, forMs, operations } = told;
  const event = { number, agoMs, worldLine };
  const ofWorker = { ...event, worker, generation };
  switch (kind) {
    case 'finderStarted':
      return { ...event, kind };
    case 'joined':
    case 'restarted':
      return { ...ofWorker, kind, type, restarts };
    case 'away':
    case 'back':
    case 'leaving':
      return { ...ofWorker, kind };
    case 'silent':
    case 'answersAgain':
      return { ...ofWorker, kind, forMs };
    case 'left':
      return { ...ofWorker, kind, forced };
    case 'rolledBack':
      return { ...ofWorker, kind, forced, operations };
  }
}
