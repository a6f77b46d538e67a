/** Server-sent events to all open pages. */
import type { ServerResponse } from 'node:http';

/** Pages that may be open at one time. */
export const MAX_STREAMS = 32;

/** An update for those who were told everything up to an event, by its number. */
export type MakeUpdate = (after: number) => { readonly content: string; readonly newest: number };

export interface EventStreams {
  /** @param newest the last event that `hello` tells @returns false: there are as many as there may be */
  readonly open: (response: ServerResponse, hello: string, newest: number) => boolean;
  /**
   * Tells every page how things are. One that has not read all of what it was sent is told later, once and with all events since:
   * it holds no more than one message, and sees nothing old as if it were new.
   */
  readonly update: (make: MakeUpdate) => void;
  readonly count: () => number;
  /** @param farewell told to all pages */
  readonly close: (farewell: string) => void;
}

interface Stream {
  readonly response: ServerResponse;
  /** The last event that it was told. */
  told: number;
  /** What it is to be sent once it has read what it was sent before. */
  waiting: MakeUpdate | undefined;
}

export function createEventStreams(): EventStreams {
  const streams = new Set<Stream>();

  function tell(stream: Stream, make: MakeUpdate): void {
    const { content, newest } = make(stream.told);
    stream.told = newest;
    stream.response.write(framed('update', content));
  }

  return {
    open(response, hello, newest) {
      if (streams.size >= MAX_STREAMS) return false;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const stream: Stream = { response, told: newest, waiting: undefined };
      streams.add(stream);
      response.on('close', () => streams.delete(stream));
      response.on('drain', () => {
        const { waiting } = stream;
        stream.waiting = undefined;
        if (waiting !== undefined) tell(stream, waiting);
      });
      response.write(framed('hello', hello));
      return true;
    },
    update(make) {
      const shared = once(make);
      for (const stream of streams) {
        if (stream.response.writableLength > 0) stream.waiting = make;
        else tell(stream, shared);
      }
    },
    count: () => streams.size,
    close(farewell) {
      for (const { response } of streams) response.end(framed('stopped', farewell));
    },
  };
}

/** Most pages were told the same, and so are told the same: it is made once for all of them. */
function once(make: MakeUpdate): MakeUpdate {
  const made = new Map<number, ReturnType<MakeUpdate>>();
  return (after) => {
    const found = made.get(after) ?? make(after);
    made.set(after, found);
    return found;
  };
}

/** JSON has no line breaks. */
function framed(name: string, data: string): string {
  return `event: ${name}\ndata: ${data}\n\n`;
}
