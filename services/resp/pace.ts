/**
 * Finds clients that hold memory by being slow: that send a command, or read what they were answered, a few bytes at a time. Looks are
 * counted rather than time measured, so that a process that stood still does not blame its clients for it.
 */
import { COMMAND_LIMIT_MS, PACE_LOOK_MS, UNREAD_LIMIT_MS } from './limits.ts';

export interface Pace {
  /** Commands that were looked at so far. */
  readonly commands: number;
  /** A command has begun and is not complete, while the server reads. */
  readonly isReceiving: boolean;
  /** Bytes of replies that were not read. */
  readonly unread: number;
}

/** @returns what is to be called once per `PACE_LOOK_MS`: why the client is too slow, once it is */
export function paceOf(pace: () => Pace): () => string | undefined {
  let commands = 0;
  let unread = 0;
  let receivingMs = 0;
  let readingMs = 0;
  return () => {
    const now = pace();
    const isSame = now.isReceiving && now.commands === commands;
    receivingMs = isSame ? receivingMs + PACE_LOOK_MS : 0;
    // Reading some of it is not enough where as much comes again: who is given a command's reply reads all before the next one.
    readingMs = now.unread > 0 && now.unread >= unread ? readingMs + PACE_LOOK_MS : 0;
    ({ commands, unread } = now);
    if (readingMs > UNREAD_LIMIT_MS) return `nothing of what was sent was read within ${UNREAD_LIMIT_MS} ms`;
    if (receivingMs > COMMAND_LIMIT_MS) return `a command was not complete within ${COMMAND_LIMIT_MS} ms`;
    return undefined;
  };
}
