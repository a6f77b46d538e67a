/** A worker's clients, and which cuts each of them may wait for. */
import { draftOf, type Draft, type Message, type MessageOf } from '@dpr/protocol';
import type { Connection } from '../connection.ts';

interface Client {
  readonly connection: Connection;
  /** The newest version that something on this connection may wait for. */
  waitsFor: number;
  /** The worker's own version in the last cut that was pushed to it, and that cut's world-line. */
  told: number;
  worldLine: number;
}

/** A cut that was pushed, and the worker's own version in it. */
interface Published {
  readonly message: MessageOf<'cut'>;
  readonly own: number;
}

export interface Clients {
  /** @param newest the newest version in which anything executed: its session may wait for it since an earlier connection */
  add(connection: Connection, worldLine: number, newest: number): void;
  remove(number: number): void;
  send(number: number, message: Message): void;
  /** Close the connection after what was sent. */
  close(number: number): void;
  /** Push a cut to those whose operations it may commit, and a world-line to all that have not seen it. */
  publish(message: MessageOf<'cut'>, own: number): void;
}

export function createClients(): Clients {
  const clients = new Map<number, Client>();
  let last: Published | undefined;

  function tell(client: Client, { message, own }: Published, frame: Draft): void {
    client.told = own;
    client.worldLine = message.worldLine;
    client.connection.send(frame);
  }

  return {
    add(connection, worldLine, newest) {
      clients.set(connection.number, { connection, waitsFor: newest, told: 0, worldLine });
    },
    remove: (number) => void clients.delete(number),
    send(number, message) {
      const client = clients.get(number);
      if (client === undefined) return;
      client.connection.send(draftOf(message));
      if (message.kind !== 'reply') return;
      const { version } = message;
      if (version > client.waitsFor) client.waitsFor = version;
      // It answers a retry. The connection that was told of the cut which covers it may be gone, and that cut is not pushed again.
      if (last !== undefined && version <= last.own && version > client.told) tell(client, last, draftOf(last.message));
    },
    close: (number) => clients.get(number)?.connection.close(),
    publish(message, own) {
      last = { message, own };
      let frame: Draft | undefined;
      for (const client of clients.values()) {
        const commits = own > client.told && client.waitsFor > client.told;
        if (commits || message.worldLine !== client.worldLine) tell(client, last, (frame ??= draftOf(message)));
      }
    },
  };
}
