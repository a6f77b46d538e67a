/** A client that writes keys of its own, and knows what must be there. */
export interface Writer {
  /** Write, and look at times, until it is over; then look once more. */
  run(isOver: () => boolean): Promise<void>;
  /** Read all that is there. @throws Error when it is not what must be there */
  look(): Promise<void>;
  close(): void;
  readonly counts: WriterCounts;
}

export interface WriterCounts {
  steps: number;
  /** How often all was read, and was right. */
  looks: number;
  /** Rollbacks that it was told of. */
  rollbacks: number;
  /** Connections that broke. */
  breaks: number;
  /** Steps that were sent, and were found not to be there. */
  lost: number;
}
