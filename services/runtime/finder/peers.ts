/** The Finder's peers, each by the number of its connection, and what is to be told to them. */
import type { FinderEffect, FinderEvent } from '@dpr/core';
import { draftOf } from '@dpr/protocol';
import type { Connection, Owner } from '../connection.ts';

export interface Peers {
  /** Who answers at the Finder's ports. */
  readonly owner: Owner;
  readonly count: () => number;
  perform(effect: Extract<FinderEffect, { kind: 'send' | 'broadcast' | 'close' }>): void;
}

export function createPeers(dispatch: (event: FinderEvent) => void): Peers {
  const connections = new Map<number, Connection>();
  return {
    owner: {
      opened(connection, { role, cluster, stamp }) {
        connections.set(connection.number, connection);
        dispatch({ kind: 'opened', connection: connection.number, role, cluster, stamp });
        // Others wait for what a worker makes durable; a client or an operator holds up no other.
        if (role === 'worker') {
          connection.watch((forMs) => dispatch({ kind: 'silence', connection: connection.number, forMs }));
        }
      },
      frames({ number, isOpen }, messages) {
        for (const message of messages) if (isOpen()) dispatch({ kind: 'frame', connection: number, message });
      },
      closed({ number }) {
        connections.delete(number);
        dispatch({ kind: 'closed', connection: number });
      },
    },
    count: () => connections.size,
    perform(effect) {
      switch (effect.kind) {
        case 'send':
          return connections.get(effect.connection)?.send(draftOf(effect.message));
        case 'broadcast': {
          if (effect.connections.length === 0) return;
          const frame = draftOf(effect.message);
          for (const number of effect.connections) connections.get(number)?.send(frame);
          return;
        }
        case 'close':
          return connections.get(effect.connection)?.close();
      }
    },
  };
}
