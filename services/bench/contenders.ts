/** Starts the servers that are compared, each with a load generator of its own, and stops all of them. */
import path from 'node:path';
import { pins, type Pin } from './core-pinning.ts';
import { startGenerator } from './load-generator.ts';
import type { Contender } from './measure-cells.ts';
import { startCluster, type ClusterPeer } from './peers/cluster.ts';
import { startEcho } from './peers/echo.ts';
import type { Peer } from './peers/peer.ts';
import { redisVersion, startRedis } from './peers/redis.ts';
import { type RespPeer, startStore } from './peers/store.ts';

export type LoadedPeer<P extends Peer> = Contender & { readonly peer: P };

export interface Contenders {
  readonly cluster: (checkpointIntervalMs: number, workers?: number) => Promise<ClusterPeer>;
  /** A load generator for a server that runs. */
  readonly load: <P extends Peer>(peer: P) => LoadedPeer<P>;
  /** Bare WebSockets, and Redis with each durability if it is installed. */
  readonly others: () => Promise<Contender[]>;
  /** A store, and Redis with each durability that costs no answer its time: what Redis clients may use. */
  readonly resp: () => Promise<readonly RespPeer[]>;
  /** Where loads run. */
  readonly loadPin: Pin;
  /** Stops everything that was started, the last first. */
  readonly stop: () => Promise<void>;
}

/** @param signal stops what is being started */
export function createContenders(signal: AbortSignal): Contenders {
  const pin = pins();
  const stops: (() => Promise<void>)[] = [];
  const starting = { pin: pin.servers, signal };

  async function started<P extends Pick<Peer, 'stop'>>(peer: Promise<P>): Promise<P> {
    const one = await peer;
    stops.push(one.stop);
    return one;
  }

  function load<P extends Peer>(peer: P): LoadedPeer<P> {
    const generator = startGenerator(pin.load, signal);
    stops.push(generator.stop);
    return { peer, generator };
  }

  return {
    cluster: (intervalMs, workers = 1) => started(startCluster(intervalMs, starting, workers)),
    load,
    async others() {
      const all: Contender[] = [load(await started(startEcho(starting)))];
      if (redisVersion() === undefined) return all;
      for (const durability of ['no AOF', 'everysec', 'always'] as const) {
        all.push(load(await started(startRedis(durability, starting))));
      }
      return all;
    },
    async resp() {
      const all: RespPeer[] = [await started(startStore(starting))];
      for (const durability of ['no AOF', 'everysec'] as const) {
        const { name, address, stop } = await started(startRedis(durability, starting));
        all.push({ name, port: Number(new URL(address).port), stop });
      }
      return all;
    },
    loadPin: pin.load,
    async stop() {
      await Promise.allSettled(stops.reverse().map((stop) => stop()));
    },
  };
}

/** Processes that are started from now on tell what they allocate. @returns what ends that */
export function watchAllocations(): () => void {
  const before = process.env.NODE_OPTIONS;
  process.env.NODE_OPTIONS = `${before ?? ''} --import ${path.join(import.meta.dirname, 'bench-allocation-preload.js')}`;
  return () => {
    if (before === undefined) delete process.env.NODE_OPTIONS;
    else process.env.NODE_OPTIONS = before;
  };
}
