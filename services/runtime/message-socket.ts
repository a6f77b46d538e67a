/** A connection that carries messages, whole and in order: a WebSocket in production, a simulated one in a simulation. */
export interface MessageSocket {
  /** Say who is told what happens. To be called once, before anything can happen. */
  attach(user: MessageSocketUser): void;
  /** False once either side has begun to close it. */
  isOpen(): boolean;
  /** Only while it is open. The bytes must not change afterwards. */
  send(message: Uint8Array): void;
  /** Hold back what is sent until `uncork`. */
  cork(): void;
  uncork(): void;
  /** Only while it is open: the peer answers behind all that it has sent by then. */
  ping(data?: Uint8Array): void;
  /** Begin to close, after what was sent; the peer has no limit of time to agree. */
  close(code: number, reason: string): void;
  /** Close at once. What the system has not taken over is lost. */
  terminate(): void;
  /** Read nothing more until `resume`. */
  pause(): void;
  resume(): void;
  /** Bytes that were sent and that the system has not taken over yet. */
  unsentBytes(): number;
  /** Bytes that the system has taken over so far: grows as long as the peer reads. */
  sentBytes(): number;
  /** Bytes that were read so far, those before the first message included. */
  receivedBytes(): number;
  /** What a message that is not complete yet takes in memory; 0 between messages, and where it is not counted. */
  unfinishedBytes(): number;
  /** Messages, and control frames between them, that were complete so far; 0 where they are not counted. */
  finishedMessages(): number;
}

/** Who uses the socket. */
export interface MessageSocketUser {
  /** One that was dialed is open now. */
  opened(): void;
  message(data: Buffer, isBinary: boolean): void;
  /** Bytes came, of a message that may not be complete; after the messages that they completed. */
  received(): void;
  /** The peer answered a ping, and this is what the ping said. */
  pong(data: Buffer): void;
  /** The system took over everything that had piled up. */
  drained(): void;
  /** What happened before it ended, if that was an error. */
  failed(error: Error): void;
  /** Once, and last. */
  closed(code: number): void;
}
