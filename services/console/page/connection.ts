/** Follows what the server tells, through its restarts, and through connections that break without a word. */
import type { Hello, Update } from '../messages.ts';

/** The browser itself tries again after three to five seconds, or never; this page does so after one. */
export const RETRY_MS = 1_000;

/** A connection that brings nothing for so long is taken for dead, though no error was seen. */
export const SILENT_MS = 10_000;

/** As much of an EventSource as is used. */
export interface Source {
  addEventListener(type: 'hello' | 'update', listener: (event: { readonly data: string }) => void): void;
  addEventListener(type: 'error', listener: () => void): void;
  close(): void;
}

export interface Surroundings {
  readonly open: () => Source;
  /** Runs it after so many ms. @returns what cancels it */
  readonly after: (ms: number, run: () => void) => () => void;
}

export interface Listener {
  readonly hello: (hello: Hello) => void;
  readonly update: (update: Update) => void;
}

/** Opens a connection at once, and another one after each that fails. */
export function follow({ open, after }: Surroundings, listener: Listener): void {
  const source = open();
  let ended = false;
  let cancelSilence = after(SILENT_MS, again);

  function again(): void {
    if (ended) return;
    ended = true;
    cancelSilence();
    source.close();
    after(RETRY_MS, () => follow({ open, after }, listener));
  }

  function heard(tell: () => void): void {
    if (ended) return;
    cancelSilence();
    cancelSilence = after(SILENT_MS, again);
    tell();
  }

  source.addEventListener('hello', ({ data }) => heard(() => listener.hello(JSON.parse(data) as Hello)));
  source.addEventListener('update', ({ data }) => heard(() => listener.update(JSON.parse(data) as Update)));
  source.addEventListener('error', again);
}
