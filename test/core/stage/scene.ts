/** What the parts of a stage share: the clock, what happens next, the story, and how they call each other. */
import type { CleanMarker, FinderEvent, Worker, WorkerConfig, WorkerEvent } from '@dpr/core';
import { decode, encode, type CheckpointInfo, type Message, type Stamp } from '@dpr/protocol';

/** Connections to the Finder that are no worker's. */
export const CLIENT = 1;
export const OPERATOR = 2;
/** The first of the workers' connections to it. */
export const FIRST_CONNECTION = 10;

export interface Scene {
  now: number;
  /** What was asked for and did not happen yet, in the order in which it was asked for. */
  readonly queue: (() => void)[];
  readonly story: string[];
  /** Tell of an event and its effects, unless it was a look at the clock that had none. */
  readonly tell: (actor: string, event: string, effects: readonly string[]) => void;
  /** Let everything happen that was asked for. */
  readonly settle: () => void;
}

/** An actor that has a clock of its own. */
interface Part {
  /** When it has something to do; infinity: when something happens. */
  wakeAt(): number;
  wake(): void;
}

export interface FinderPart extends Part {
  start(): void;
  crash(): void;
  step(event: FinderEvent, text: string): void;
  /** A worker connects to it, if it runs. */
  connect(process: Process): void;
  /** The process is gone. */
  lose(process: Process): void;
  receive(connection: number, message: Message): void;
}

export interface WorkersPart extends Part {
  /** In the order in which they were started, the dead too. */
  readonly processes: readonly Process[];
  start(id: number, state?: WorkerConfig['state']): Process;
  step(process: Process, event: WorkerEvent, text: string): void;
  /** The process is gone, and with it its connections. */
  end(process: Process): void;
}

export interface SessionPart extends Part {
  submit(worker: number, text: string): void;
  commit(): void;
  /** Connect it to a worker that serves; it hears at once where the cluster stands. */
  connect(worker: number): void;
  /** The process is gone. */
  lose(process: Process): void;
  receive(process: Process, message: Message): void;
  receiveFromFinder(message: Message): void;
}

/** All actors on the stage. */
export interface Cast {
  readonly finder: FinderPart;
  readonly workers: WorkersPart;
  readonly session: SessionPart;
}

/** One process of a worker. Its state is the text of everything that it applied. */
export interface Process {
  readonly name: string;
  readonly core: Worker;
  readonly volume: Volume;
  /** Its connection to the Finder, 0 if there is none. */
  connection: number;
  state: string;
  /** The states after its versions. */
  sealed: { readonly version: number; readonly state: string }[];
  alive: boolean;
  /** What would happen to it waits until it is resumed. */
  paused: boolean;
  readonly kept: (() => void)[];
}

export interface Volume {
  generation: number;
  /** What earlier generations left. */
  readonly kept: Map<number, readonly Stored[]>;
  checkpoints: Stored[];
  clean: CleanMarker | undefined;
  stamp: Stamp | undefined;
}

interface Stored {
  readonly info: CheckpointInfo;
  readonly state: string;
  readonly sections: readonly { readonly version: number; readonly bytes: Uint8Array }[];
}

/** A message as it comes out of the network. */
export function received(message: Message): Message {
  return decode(encode(message));
}
