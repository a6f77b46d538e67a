/** What a command is, and what a worker type brings so that RESP clients can use it. */
import type { Arguments } from './arguments.ts';
import type { CommandBatch, ResultStep } from './command-batch.ts';
import type { ReplyWriter } from './reply-writer.ts';

/** Where a command's keys are among its words: the first, the last (from the end where negative), and how far apart. */
export type KeyPlaces = readonly [first: number, last: number, step: number];
export const NO_KEYS: KeyPlaces = [0, 0, 0];

export interface CommandFacts {
  /** In lower case. */
  readonly name: string;
  /** How many words it has, its name included; negative: at least so many. */
  readonly arity: number;
  readonly flags: readonly string[];
  readonly keys: KeyPlaces;
  /** For `COMMAND DOCS`. */
  readonly summary: string;
}

/** A command that the worker's core executes. */
export interface DataCommand extends CommandFacts {
  /**
   * Write the command's operations into the batch, and for each how its result becomes a part of the reply.
   * @throws CommandError
   */
  readonly write: (words: Arguments, batch: CommandBatch) => void;
  /** The same between MULTI and EXEC, where it differs: all is done in one batch. */
  readonly writeWhole?: (words: Arguments, batch: CommandBatch) => void;
  /** Nothing travels in its batch beside it. */
  readonly isAlone?: boolean;
  /** What it tells is about the server: a rollback is told by another one. */
  readonly isAside?: boolean;
}

/** Reads the results of a batch one after another. */
export interface ResultCursor {
  begin(results: Uint8Array): void;
  /** Go to the next result. @returns false if this operation and all after it were not done, since their results had no room beside those before */
  next(): boolean;
}

/** How keys are watched by a worker type that has transactions. */
export interface Watching {
  /** Write an operation that tells of the key in word `index`. */
  readonly look: (words: Arguments, index: number, batch: CommandBatch, step: ResultStep) => void;
  /** What the cursor's result tells of the key: another number with each change. */
  readonly read: () => number;
  /** Write an operation that keeps all after it from being done unless the key is as it was when this was read. */
  readonly expect: (key: Buffer, read: number, batch: CommandBatch, step: ResultStep) => void;
  /** Whether the cursor's result says that it was. */
  readonly isMet: () => boolean;
}

/** How much memory the keys of a worker take. */
export interface MemoryFacts {
  readonly usedBytes: number;
  /** With more than this, keys are evicted, those that were not used for longest first, or else writes refused. */
  readonly maxBytes: number;
  readonly evicts: boolean;
  /** Since the process started. */
  readonly evictedKeys: number;
}

/** A worker type's commands. */
export interface RespType {
  readonly commands: readonly DataCommand[];
  readonly results: ResultCursor;
  readonly watching: Watching;
  /** Write operations whose results `INFO` shows. @param then is given what it shows of them, with the last result */
  readonly info: (batch: CommandBatch, then: (reply: ReplyWriter, lines: string) => void) => void;
  readonly memory: () => MemoryFacts;
  /** For a command that there is not: what to use in its place; undefined: nothing is known. */
  readonly advice: (name: string) => string | undefined;
}
