/** Server-sent events to all open pages. */
import type { ServerResponse } from 'node:http';

/** Pages that may be open at one time. */
export const MAX_STREAMS = 32;
/** A page that has so many bytes unread is cut off; its browser connects anew and is told everything again. */
export const MAX_UNREAD_BYTES = 8 * 2 ** 20;

export interface EventStreams {
  /** @returns false: there are as many as there may be */
  readonly open: (response: ServerResponse, name: string, hello: string) => boolean;
  readonly send: (name: string, data: string) => void;
  readonly count: () => number;
  readonly close: () => void;
}

export function createEventStreams(): EventStreams {
  const streams = new Set<ServerResponse>();
  return {
    open(response, name, hello) {
      if (streams.size >= MAX_STREAMS) return false;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      streams.add(response);
      response.on('close', () => streams.delete(response));
      response.write(framed(name, hello));
      return true;
    },
    send(name, data) {
      const frame = framed(name, data);
      for (const stream of streams) {
        if (stream.writableLength > MAX_UNREAD_BYTES) stream.destroy();
        else stream.write(frame);
      }
    },
    count: () => streams.size,
    close() {
      for (const stream of streams) stream.destroy();
    },
  };
}

/** JSON has no line breaks. */
function framed(name: string, data: string): string {
  return `event: ${name}\ndata: ${data}\n\n`;
}
