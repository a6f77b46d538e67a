/** The peers of one port: lets in those that greet rightly, looks at them from time to time, and closes them when the port is. */
import { createAdmission, type Admission, type AdmissionOptions } from './connection-admission.ts';
import type { ArrivalsUser } from './arrival-barrier.ts';
import type { Budgets } from './budget.ts';
import type { Newcomer } from './connection-places.ts';
import type { Owner } from './connection.ts';
import { deferred } from './deferred.ts';
import { CLOSE } from './frame-socket.ts';
import type { PeerRole } from './greeting.ts';
import type { Host } from './host.ts';
import { inputTurns, type InputTurns } from './input-turns.ts';
import { LISTENER_LIMITS, type ListenerLimits } from './listener-limits.ts';
import type { MessageSocket } from './message-socket.ts';
import { servePeer } from './peer-connection.ts';
import { startSweeps } from './peer-sweeps.ts';

export interface PeerPortOptions extends AdmissionOptions {
  readonly limits?: Partial<ListenerLimits> | undefined;
  /** What peers of this role share, at all ports. */
  readonly budgetsOf?: ((role: PeerRole) => Budgets) | undefined;
  /** Is told when what clients had sent before has arrived. */
  readonly arrivals?: ArrivalsUser | undefined;
  /** Shared with the process's other ports; undefined: there are none. */
  readonly turns?: InputTurns | undefined;
}

export interface PeerPort {
  readonly limits: ListenerLimits;
  readonly admission: Admission;
  /** Serve an accepted connection from its first message on. */
  serve(socket: MessageSocket, newcomer: Newcomer): void;
  /** Close all peers after what was sent on their connections, and by force those that are late. Resolves once the last is gone. */
  close(): Promise<void>;
}

export function openPeerPort(host: Host, options: PeerPortOptions, owner: Owner): PeerPort {
  const { log, budgetsOf } = options;
  const limits = { ...LISTENER_LIMITS, ...options.limits };
  const admission = createAdmission(options, limits.connections);
  const sweeps = startSweeps(host, limits, options.arrivals);
  const turns = options.turns ?? inputTurns(host, limits.inputTurnMs, () => owner.isBusy?.() ?? false);
  const empty = deferred();
  let isClosing = false;
  const port = { host, owner, limits, admission, sweeps, turns, log, budgetsOf, left: resolveIfEmpty };

  function resolveIfEmpty(): void {
    const [peer] = sweeps.peers();
    if (isClosing && peer === undefined) empty.resolve();
  }

  return {
    limits,
    admission,
    serve: (socket, newcomer) => servePeer(socket, newcomer, port),
    async close() {
      isClosing = true;
      sweeps.stop();
      for (const frames of sweeps.peers()) frames.close(CLOSE.goingAway, 'the server stops');
      const late = host.setTimeout(() => {
        for (const frames of sweeps.peers()) frames.terminate();
      }, limits.closeMs);
      resolveIfEmpty();
      await empty.promise;
      host.clearTimeout(late);
    },
  };
}
