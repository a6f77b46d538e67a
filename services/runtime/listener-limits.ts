/** What a port lets its peers do. */
import { BUFFER_LIMITS } from './frame-socket.ts';
import { RECEIVE_TIMEOUT_MS, WATCH_INTERVAL_MS } from './keep-alive.ts';
import { MESSAGE_MS, PACE_LOOK_MS, UNREAD_MS } from './slow-peers.ts';

export const LISTENER_LIMITS = {
  /** Connections at one port, greeted or not. For a further one the oldest that has not greeted is closed, or else the new one. */
  connections: 10_000,
  /** How long a peer may take from connecting to its `hello`. */
  helloMs: 5_000,
  /** What a peer may send before it was let in, its HTTP request included. */
  bytesBeforeHello: 64 * 1024,
  receiveTimeoutMs: RECEIVE_TIMEOUT_MS,
  watchIntervalMs: WATCH_INTERVAL_MS,
  /** Pings of a peer whose answers the system has not taken over yet; with one more it is disconnected. */
  pings: 60,
  messageMs: MESSAGE_MS,
  unreadMs: UNREAD_MS,
  paceLookMs: PACE_LOOK_MS,
  /** How long connections may take to close when the listener does. */
  closeMs: 300,
  /** What came is handed over for so long in a turn of the event loop, and the rest in the next one. */
  inputTurnMs: 2,
  ...BUFFER_LIMITS,
};
export type ListenerLimits = typeof LISTENER_LIMITS;
