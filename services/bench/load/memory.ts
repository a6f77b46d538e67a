/** What a load takes of the memory of its own process, and of those of the servers. */
import { rmSync } from 'node:fs';
import { allocationFile, watchAllocation, type Allocation } from '../allocation.ts';
import { takeWritten } from '../written-files.ts';
import type { Line } from './load-interface.ts';
import { closedLoop } from './loops.ts';
import type { MemoryUse } from './protocol.ts';

/** @param servers were started with `allocation-watch` */
export async function measureMemory(
  lines: readonly Line[],
  inFlight: number,
  batch: number,
  ms: number,
  servers: readonly number[],
): Promise<MemoryUse> {
  const toggle = (): void => servers.forEach((pid) => process.kill(pid, 'SIGUSR2'));
  for (const pid of servers) rmSync(allocationFile(pid), { force: true });
  toggle();
  const end = watchAllocation();
  const { batches } = await closedLoop(lines, inFlight, ms);
  const load = end();
  toggle();
  const own = useOf([load], batches * batch);
  const theirs = useOf(await Promise.all(servers.map(writtenBy)), batches * batch);
  return {
    serverBytes: theirs.bytes,
    loadBytes: own.bytes,
    serverCollections: theirs.collections,
    loadCollections: own.collections,
  };
}

async function writtenBy(pid: number): Promise<Allocation> {
  return (await takeWritten(allocationFile(pid))) as Allocation;
}

/** Of all these processes together. */
function useOf(allocations: readonly Allocation[], operations: number): { bytes: number; collections: number } {
  return {
    bytes: allocations.reduce((sum, { bytes }) => sum + bytes, 0) / operations,
    collections: allocations.reduce((sum, { collections, ms }) => sum + (collections / ms) * 1000, 0),
  };
}
