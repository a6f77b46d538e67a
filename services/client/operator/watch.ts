/** Tells listeners what happens in the cluster, from what the Finder tells by itself and from its status, asked for now and then. */
import type { MessageOf } from '@dpr/protocol';
import type { Timer } from '@dpr/runtime/host';
import { nodeHost } from '@dpr/runtime/node-host';
import { createEventTracker, type ClusterEvent } from './events.ts';

/** Of the status, what events are made of. */
type Seen = Parameters<ReturnType<typeof createEventTracker>['status']>[0];

export interface Watch {
  /** @returns a function that ends it */
  readonly add: (listener: (event: ClusterEvent) => void) => () => void;
  readonly isWatching: () => boolean;
  readonly told: (message: MessageOf<'cut' | 'cluster'>) => void;
  readonly end: () => void;
}

export function createWatch(status: () => Promise<Seen>, pollMs: number): Watch {
  const listeners = new Set<(event: ClusterEvent) => void>();
  let poll: Timer | undefined;
  const tracker = createEventTracker((event) => {
    for (const listener of listeners) listener(event);
  });

  /** Only STATUS tells of a worker that was restarted and joined again, and of one that does not answer. */
  function look(): Promise<void> {
    return status().then(tracker.status, () => undefined);
  }

  /** The next look comes some time after the answer to this one, however long that takes. */
  function keepLooking(): void {
    nodeHost.clearTimeout(poll);
    poll = nodeHost.setTimeout(() => {
      void look().then(() => {
        if (listeners.size > 0) keepLooking();
      });
    }, pollMs);
  }

  return {
    add(listener) {
      if (listeners.size === 0) keepLooking();
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) nodeHost.clearTimeout(poll);
      };
    },
    isWatching: () => listeners.size > 0,
    told(message) {
      if (message.kind === 'cut') {
        tracker.cut(message);
        return;
      }
      tracker.cluster(message);
      void look();
    },
    end() {
      nodeHost.clearTimeout(poll);
      listeners.clear();
    },
  };
}
