/** A worker's peers: a client that greets it is told at once where the cluster stands, and the Finder that it reaches must be its own. */
import { isCatchingUp, workerStatus, type Worker, type WorkerEvent, type WorkerStatus } from '@dpr/core';
import { draftOf, PROTOCOL_VERSION, type MessageOf } from '@dpr/protocol';
import type { ArrivalsUser } from '../arrival-barrier.ts';
import type { Caller } from '../dialer.ts';
import type { Hello } from '../greeting.ts';
import type { Owner } from '../connection.ts';
import type { Clients } from './clients.ts';

/** Who answers clients at the worker's port. */
export function clientsOwner(worker: Worker, clients: Clients, dispatch: (event: WorkerEvent) => void): Owner {
  return {
    opened(connection, hello) {
      const status = workerStatus(worker);
      const { cluster, worldLine } = status;
      if (hello.cluster !== undefined && hello.cluster !== cluster) {
        connection.send(draftOf(wrongCluster(hello.cluster, cluster)));
        connection.close();
        return;
      }
      clients.add(connection, worldLine, status.executed);
      dispatch({ kind: 'clientOpened', connection: connection.number, origin: connection.origin });
      connection.send(draftOf(welcomeOf(status)));
      // The cut that covers what the client still waits for may be one that was pushed before it connected.
      dispatch({
        kind: 'clientFrames',
        connection: connection.number,
        messages: [{ kind: 'refresh', worldLine }],
      });
    },
    frames: ({ number }, messages) => dispatch({ kind: 'clientFrames', connection: number, messages }),
    closed({ number }) {
      clients.remove(number);
      dispatch({ kind: 'clientClosed', connection: number });
    },
    isBusy: () => isCatchingUp(worker),
  };
}

/** Tells the worker when no copy of a batch can be on its way any more, which is urgent while new sessions are refused. */
export function arrivalsUser(worker: Worker, dispatch: (event: WorkerEvent) => void): ArrivalsUser {
  return {
    asked: () => dispatch({ kind: 'clientsAsked' }),
    answered: () => dispatch({ kind: 'clientsAnswered' }),
    isUrgent: () => workerStatus(worker).isShort,
  };
}

/** Who uses the worker's connection to the Finder. @param cluster the one that the worker belongs to, as far as it knows */
export function finderCaller(cluster: () => string | undefined, dispatch: (event: WorkerEvent) => void): Caller {
  return {
    opened(welcome) {
      const known = cluster();
      if (known !== undefined && known !== welcome.cluster) {
        dispatch({ kind: 'finderFrame', message: wrongCluster(known, welcome.cluster) });
      } else {
        dispatch({ kind: 'finderOpened' });
      }
    },
    frame: (message) => dispatch({ kind: 'finderFrame', message }),
    closed: () => dispatch({ kind: 'finderClosed' }),
    refused: (message) => dispatch({ kind: 'finderFrame', message }),
  };
}

/** What a worker greets the Finder with. */
export function workerHello(worker: Worker, cluster: string | undefined, token = ''): Omit<Hello, 'kind' | 'protocol'> {
  return { role: 'worker', cluster, stamp: workerStatus(worker).stamp, token };
}

function welcomeOf({ id, type, cluster, worldLine, generation, incarnation }: WorkerStatus): MessageOf<'welcome'> {
  const self = { id, generation, incarnation, type };
  return { kind: 'welcome', protocol: PROTOCOL_VERSION, cluster, worldLine, controlPort: 0, worker: self };
}

function wrongCluster(peer: string, own: string): MessageOf<'error'> {
  const text = `one side belongs to cluster ${peer} and the other to cluster ${own}: an address or a volume is not the right one`;
  return { kind: 'error', code: 'wrongCluster', session: undefined, sequence: 0, detail: 0, text };
}
