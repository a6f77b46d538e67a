/** A Finder and counters as processes of their own, and a well-behaved client beside the hostile ones of a test. */
import assert from 'node:assert/strict';
import { createCluster, type Child, type Cluster, type Variables } from '../runtime/cluster.ts';
import { wellBehaved, type WellBehaved } from './well-behaved.ts';

export interface Attended {
  readonly cluster: Cluster;
  /** The Finder first, then the workers by their ids. */
  readonly children: Child[];
  readonly beside: WellBehaved;
  /** @throws AssertionError when a process ended */
  allRun(): void;
  close(): Promise<void>;
}

export interface AttendedOptions {
  /** The workers that the client uses; by default all of them. */
  readonly used?: readonly number[];
  /** What all processes are given. */
  readonly variables?: Variables;
  /** What the client shows. */
  readonly token?: string;
}

/** All of it serves, and the client has committed something. */
export async function attendedCluster(
  workers: readonly number[],
  { used = workers, variables = {}, token }: AttendedOptions = {},
): Promise<Attended> {
  const cluster = await createCluster(workers.length, variables);
  try {
    const children = [cluster.startFinder(), ...workers.map((id) => cluster.startWorker(id))];
    await Promise.all(children.map((child) => child.event('serving')));
    const beside = await wellBehaved(`ws://127.0.0.1:${cluster.ports.finder}`, used, token);
    await beside.goOn();
    return {
      cluster,
      children,
      beside,
      allRun: () =>
        assert.ok(children.every(({ process }) => process.exitCode === null && process.signalCode === null)),
      async close() {
        await beside.close();
        await cluster.close();
      },
    };
  } catch (error) {
    await cluster.close();
    throw error;
  }
}
