/** What a port looks at from time to time: which peers are silent, which are slow, and which of those that are watched do not answer. */
import { createArrivals, type ArrivalsUser } from './arrival-barrier.ts';
import type { ToldOfSilence } from './dialed-socket.ts';
import { CLOSE, type FrameSocket } from './frame-socket.ts';
import { keepAlive, SILENT_INTERVALS, silenceWatch } from './keep-alive.ts';
import { every } from './every.ts';
import type { Host } from './host.ts';
import type { ListenerLimits } from './listener-limits.ts';
import { paceOf } from './slow-peers.ts';

export interface Sweeps {
  /** From now on the peer is looked at. */
  join(frames: FrameSocket): void;
  /** The peer answered a ping, and this is what the ping said. */
  answered(frames: FrameSocket, data: Buffer): void;
  /** Ask the peer whenever it says nothing, and tell of it when it does not answer. */
  watch(frames: FrameSocket, told: ToldOfSilence): void;
  leave(frames: FrameSocket): void;
  /** Those that joined and did not leave. */
  peers(): Iterable<FrameSocket>;
  stop(): void;
}

/** The last word to a peer that is disconnected for it. */
const UNANSWERED_SHORT = 'short of memory, and this connection does not answer pings';

/** @param user is told when what peers had sent before has arrived */
export function startSweeps(host: Host, limits: ListenerLimits, user: ArrivalsUser | undefined): Sweeps {
  const checks = new Map<FrameSocket, (ask: Buffer) => void>();
  const paces = new Map<FrameSocket, () => string | undefined>();
  const watches = new Map<FrameSocket, () => void>();
  const arrivals = createArrivals<FrameSocket>(user);

  function sweepSilent(): void {
    for (const frames of arrivals.overdue(SILENT_INTERVALS)) frames.cutOff(CLOSE.short, UNANSWERED_SHORT);
    const ask = arrivals.ask(checks.keys());
    for (const check of checks.values()) check(ask);
  }

  function sweepSlow(): void {
    for (const [frames, look] of paces) {
      const reason = look();
      if (reason !== undefined) frames.close(CLOSE.slow, reason);
    }
  }

  function sweepWatched(): void {
    for (const look of watches.values()) look();
  }

  const stops = [
    every(host, limits.receiveTimeoutMs / SILENT_INTERVALS, sweepSilent),
    every(host, limits.paceLookMs, sweepSlow),
    every(host, limits.watchIntervalMs, sweepWatched),
  ];

  return {
    join(frames) {
      checks.set(frames, keepAlive(frames));
      paces.set(frames, paceOf(frames, limits));
    },
    answered: (frames, data) => arrivals.heard(frames, data),
    watch(frames, told) {
      watches.set(frames, silenceWatch(frames, limits.watchIntervalMs, told));
    },
    leave(frames) {
      checks.delete(frames);
      paces.delete(frames);
      watches.delete(frames);
      arrivals.gone(frames);
    },
    peers: () => checks.keys(),
    stop() {
      for (const stop of stops) stop();
    },
  };
}
