/** CPU profiles of the worker and of the load, under one load. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Cell } from './cells.ts';
import { pins } from './core-pinning.ts';
import { startGenerator } from './load-generator.ts';
import { runOnce, type Durations } from './measure-cells.ts';
import { startCluster } from './peers/cluster.ts';
import { untilWritten } from './written-files.ts';

/** Long enough for everything to be compiled. */
const WARM: Durations = { firstBatches: 0, warmBatches: 100_000, warmLimitMs: 10_000, closedMs: 100, openMs: 0 };
const PROFILED: Durations = { firstBatches: 0, warmBatches: 0, warmLimitMs: 0, closedMs: 3_000, openMs: 0 };

/** @returns the files, of the workers and of the load */
export async function profileWorker(directory: string, cell: Cell, signal: AbortSignal): Promise<readonly string[]> {
  mkdirSync(directory, { recursive: true });
  process.env.BENCH_PROFILE = path.resolve(directory);
  process.env.NODE_OPTIONS = `--import ${path.join(import.meta.dirname, 'bench-profile-preload.js')}`;
  const pin = pins();
  const peer = await startCluster(100, { pin: pin.servers, signal }, cell.route?.workers);
  const generator = startGenerator(pin.load, signal);
  try {
    const pids = [...peer.pids, generator.pid];
    const toggle = (): void => pids.forEach((pid) => process.kill(pid, 'SIGUSR2'));
    await runOnce({ peer, generator }, cell, WARM);
    toggle();
    await runOnce({ peer, generator }, cell, PROFILED);
    toggle();
    const names = [...peer.pids.map((pid) => `counter-${pid}`), `bench-load-${generator.pid}`];
    const files = names.map((name) => path.join(directory, `${name}.cpuprofile`));
    await untilWritten(files, [signal]);
    return files;
  } finally {
    await generator.stop();
    await peer.stop();
  }
}
