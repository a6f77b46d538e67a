/** Follows what the server tells, through its restarts, and through connections that break without a word. */
import type { Hello, Stopped, Update } from '../messages.ts';

/** The browser itself tries again after three to five seconds, or never; this page does so after one. */
export const RETRY_MS = 1_000;

/** A console that ended is looked for less often. */
export const STOPPED_RETRY_MS = 5_000;

/** A connection that brings nothing for so long is taken for dead, though no error was seen. */
export const SILENT_MS = 10_000;

/** As much of an EventSource as is used. */
export interface Source {
  addEventListener(type: 'hello' | 'update' | 'stopped', listener: (event: { readonly data: string }) => void): void;
  addEventListener(type: 'error', listener: () => void): void;
  close(): void;
}

export interface Surroundings {
  readonly open: () => Source;
  /** Runs it after so many ms. @returns what cancels it */
  readonly after: (ms: number, run: () => void) => () => void;
  /** Asks why no connection can be opened, which an EventSource does not tell. @returns undefined if no console says why; never fails */
  readonly askWhy: () => Promise<string | undefined>;
}

export interface Listener {
  readonly hello: (hello: Hello) => void;
  readonly update: (update: Update) => void;
  /** The console ended. Another one says hello. */
  readonly stopped: (stopped: Stopped) => void;
  /** No connection could be opened. @param text why, as the console says it; undefined if it says nothing */
  readonly refused: (text: string | undefined) => void;
}

/** Opens a connection at once, and another one after each that fails. @returns what ends that */
export function follow(surroundings: Surroundings, listener: Listener): () => void {
  const { after, askWhy } = surroundings;
  let retryMs = RETRY_MS;
  let end = connect();

  function connect(): () => void {
    const told: Told = {
      ...listener,
      hello(hello) {
        retryMs = RETRY_MS;
        listener.hello(hello);
      },
      stopped(stopped) {
        retryMs = STOPPED_RETRY_MS;
        listener.stopped(stopped);
      },
    };
    return listen(surroundings, told, retry);
  }

  function retry(hasHeard: boolean): void {
    let isOver = false;
    const cancel = after(retryMs, () => {
      isOver = true;
      end = connect();
    });
    end = () => {
      isOver = true;
      cancel();
    };
    if (hasHeard) return;
    void askWhy().then((text) => {
      if (!isOver) listener.refused(text);
    });
  }

  return () => end();
}

type Told = Pick<Listener, 'hello' | 'update' | 'stopped'>;

/** Listens to one connection. @param lost called once, unless it is ended by what this returns */
function listen({ open, after }: Surroundings, told: Told, lost: (hasHeard: boolean) => void): () => void {
  const source = open();
  let isOver = false;
  let hasHeard = false;
  let cancelSilence = after(SILENT_MS, fail);

  function end(): void {
    isOver = true;
    cancelSilence();
    source.close();
  }

  function fail(): void {
    if (isOver) return;
    end();
    lost(hasHeard);
  }

  function heard(tell: (data: string) => void): (event: { readonly data: string }) => void {
    return ({ data }) => {
      if (isOver) return;
      hasHeard = true;
      cancelSilence();
      cancelSilence = after(SILENT_MS, fail);
      tell(data);
    };
  }

  const stopped = heard((data) => {
    told.stopped(JSON.parse(data) as Stopped);
    fail();
  });
  source.addEventListener(
    'hello',
    heard((data) => told.hello(JSON.parse(data) as Hello)),
  );
  source.addEventListener(
    'update',
    heard((data) => told.update(JSON.parse(data) as Update)),
  );
  source.addEventListener('stopped', stopped);
  source.addEventListener('error', fail);
  return end;
}
