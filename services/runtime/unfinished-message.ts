/**
 * How much of a message came that is not complete. The WebSocket library keeps it, and tells of complete messages only; so the headers
 * of its frames (RFC 6455, from a client) are followed here, at a few nanoseconds for each byte of a header.
 */
export interface MessageMeter {
  /** What the socket brought, in order. */
  take(chunk: Uint8Array): void;
  /** Bytes of the message, or of the control frame, that is not complete yet, with what surrounds them in memory; 0 between messages. */
  unfinished(): number;
  /** Messages, and control frames between them, that were complete so far. */
  finished(): number;
}

/** What a read of the socket, and a fragment, take beside their bytes while they are kept; Node 20 on x64, rounded up. */
export const READ_BYTES = 256;
export const FRAGMENT_BYTES = 128;

const MASK_BYTES = 4;
const SHORT_HEADER_BYTES = 2 + MASK_BYTES;
const IS_LAST = 0x80;
const IS_CONTROL = 0x08;
const LENGTH_BITS = 0x7f;
/** Lengths that say that the length follows, in 2 or in 8 bytes. */
const FOLLOWS_IN_2 = 126;
const FOLLOWS_IN_8 = 127;

export function messageMeter(): MessageMeter {
  /** Of the present frame: bytes of its header that came and that it has, and of its payload those that are due. */
  let headerAt = 0;
  let headerBytes = SHORT_HEADER_BYTES;
  let length = 0;
  let due = 0;
  let first = 0;
  /** Fragments of a message came, and not the last one. */
  let inMessage = false;
  let unfinished = 0;
  let finished = 0;

  /** @param at where in the chunk */
  function endFrame(at: number): void {
    if ((first & IS_CONTROL) === 0) inMessage = (first & IS_LAST) === 0;
    if (inMessage) {
      unfinished += FRAGMENT_BYTES;
      return;
    }
    unfinished = -at;
    finished++;
  }

  function takeHeader(byte: number): void {
    if (headerAt === 0) {
      first = byte;
      headerBytes = SHORT_HEADER_BYTES;
    } else if (headerAt === 1) {
      length = byte & LENGTH_BITS;
      if (length >= FOLLOWS_IN_2) {
        headerBytes += length === FOLLOWS_IN_8 ? 8 : 2;
        length = 0;
      }
    } else {
      length = length * 256 + byte;
    }
    headerAt++;
  }

  return {
    take(chunk) {
      let at = 0;
      while (at < chunk.length) {
        if (due > 0) {
          const some = Math.min(due, chunk.length - at);
          due -= some;
          at += some;
          if (due === 0) endFrame(at);
          continue;
        }
        if (headerAt >= 2 && headerAt >= headerBytes - MASK_BYTES) {
          const some = Math.min(headerBytes - headerAt, chunk.length - at);
          headerAt += some;
          at += some;
        } else {
          takeHeader(chunk[at] ?? 0);
          at++;
        }
        if (headerAt < headerBytes) continue;
        headerAt = 0;
        due = length;
        if (due === 0) endFrame(at);
      }
      unfinished += chunk.length;
      if (unfinished > 0) unfinished += READ_BYTES;
    },
    unfinished: () => unfinished,
    finished: () => finished,
  };
}
