/** Which connection speaks for which worker. A member for which none does is away. */
import { keepAway, keepBack } from './kept-events.ts';
import type { Finder, Peer } from './state.ts';

/** From here on the connection speaks for the worker, in place of any other one. */
export function bind(finder: Finder, connection: number, peer: Peer, worker: number, incarnation: number): void {
  const before = finder.bound.get(worker);
  if (before !== undefined && before !== connection) {
    finder.effects.push({ kind: 'close', connection: before });
    finder.peers.delete(before);
  }
  finder.bound.set(worker, connection);
  peer.worker = worker;
  peer.incarnation = incarnation;
  peer.resent = false;
  keepBack(finder, worker);
}

/** No connection speaks for the member any more. */
export function unbind(finder: Finder, worker: number): void {
  finder.bound.delete(worker);
  keepAway(finder, worker);
}

/** Close a connection after what was sent on it. */
export function drop(finder: Finder, connection: number): void {
  finder.effects.push({ kind: 'close', connection });
  close(finder, connection);
}

/** The connection is gone. */
export function close(finder: Finder, connection: number): void {
  const peer = finder.peers.get(connection);
  finder.peers.delete(connection);
  if (peer?.worker !== undefined && finder.bound.get(peer.worker) === connection) unbind(finder, peer.worker);
}
