/**
 * A second way in for clients: a port that speaks another protocol, in the worker's own process. Its connections are connections of
 * the worker's core like those of the first one; only what they carry is not seen by a socket.
 */
import type { WorkerStatus } from '@dpr/core';
import type { Budgets } from '../budget.ts';
import type { BytePortOptions } from '../byte-port.ts';
import type { Owner } from '../connection.ts';
import type { Host } from '../host.ts';
import type { InputTurns } from '../input-turns.ts';
import type { Closable } from '../process.ts';

export { nextConnectionNumber, type Connection, type Owner } from '../connection.ts';
export { openBytePort, type BytePort, type BytePortOptions, type Guest } from '../byte-port.ts';
export { limitBytes, type Budget, type BudgetPart, type Budgets } from '../budget.ts';
export type { Place } from '../connection-admission.ts';
export { clientHello, type Refusal } from '../greeting.ts';
export { createPlaces } from '../connection-places.ts';
export { every } from '../every.ts';
export type { Host, Timer } from '../host.ts';
export { inputTurns, type InputTurns } from '../input-turns.ts';
export { isLoopback } from '../loopback.ts';

export interface SidePort extends Closable {
  /** Open the port, the first time: the worker serves. */
  serve(): void;
  isOpen(): boolean;
  /** Clients that were let in. */
  connections(): number;
}

export interface SidePortParts {
  readonly host: Host;
  /** Where to listen, and who may come in. */
  readonly port: Omit<BytePortOptions, 'connections'>;
  /** What clients of all ports hold. */
  readonly budgets: Required<Budgets>;
  /** Who answers: connections are opened and closed here. */
  readonly owner: Owner;
  /** When what came has to wait: input of all ports together has its limit. */
  readonly turns: InputTurns;
  readonly status: () => WorkerStatus;
  /** The port cannot be opened. */
  readonly failed: (error: unknown) => void;
}

/** Everything is put together, and nothing happens before `serve`. */
export type CreateSidePort = (parts: SidePortParts) => SidePort;
