/** The worker's port. Clients find it closed until the worker has recovered for the first time, so that they fail fast. */
import type { Owner } from '../connection.ts';
import { listen, type Listener, type ListenerOptions } from '../listener.ts';

export interface ClientPort {
  /** Opens the port, the first time, and logs that the worker serves. */
  serve(cluster: string, worldLine: number): void;
  readonly isOpen: () => boolean;
  connections(): number;
  close(): Promise<void>;
}

/** @param failed called when the port cannot be opened: another process took it since it was looked at */
export function clientPort(options: ListenerOptions, owner: Owner, failed: (error: unknown) => void): ClientPort {
  const { log, port } = options;
  let listener: Listener | 'opening' | undefined;
  let closed = false;

  const opened = (): Listener | undefined => (listener === 'opening' ? undefined : listener);

  return {
    serve(cluster, worldLine) {
      const serving = { event: 'serving', cluster, worldLine, port };
      if (listener === 'opening') return;
      if (listener !== undefined) {
        log.info(serving);
        return;
      }
      listener = 'opening';
      listen(options, owner).then((opened) => {
        listener = opened;
        log.info(serving);
        if (closed) void opened.close();
      }, failed);
    },
    isOpen: () => opened() !== undefined,
    connections: () => opened()?.connections() ?? 0,
    async close() {
      closed = true;
      await opened()?.close();
    },
  };
}
