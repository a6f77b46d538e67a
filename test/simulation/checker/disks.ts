/** At the end the power fails once more: what all processes relied on is there when the disks are read again. */
import { decodeRecord } from '../../../services/core/index.ts';
import { openTwoSlotFile, type Identity } from '../../../services/runtime/storage/index.ts';
import { findEarlier, surveyNewest } from '../../../services/runtime/worker/generations.ts';
import { chunkReader } from '../../../services/runtime/worker/incremental/chunk-framing.ts';
import { healthy } from '../../runtime/storage/sim-disk.ts';
import { RECORD_FILE } from '../../../services/runtime/finder/record-file.ts';
import { createRecords } from '../incremental-object.ts';
import { checkpointIn } from '../on-disk.ts';
import { createSimulatedStore } from '../store/simulated-store.ts';
import type { WorkerHost } from '../worker-host.ts';
import type { World } from '../world.ts';
import { violated } from './truth.ts';

export async function checkDisks(world: World): Promise<void> {
  const { finder, hosts, checker } = world;
  finder.disk.cutPower();
  const { recovered } = await openTwoSlotFile(finder.disk.mount(healthy), RECORD_FILE);
  if (recovered === undefined) return violated(2, "the Finder's record is gone");
  const record = decodeRecord(recovered.record);
  checker.finderLoaded(record);
  for (const host of hosts.values()) {
    const { id, disk, isDamaged } = host;
    const member = record.members.get(id);
    const version = checker.exposedOf(id);
    if (isDamaged || member === undefined || version <= member.base) continue;
    disk.cutPower();
    const { generation, incarnation, checkpoints, damage, identity } = await surveyNewest(disk.mount(healthy));
    if (generation !== member.generation) violated(10, `the volume of worker ${id} is of generation ${generation}`);
    // Below the cut a predecessor may have tidied up what its successor had listed already.
    const lost = damage.filter((text) => {
      const damaged = checkpointIn(text);
      return damaged.version >= version || damaged.incarnation >= incarnation;
    });
    if (lost.length > 0) violated(10, `worker ${id}: ${lost.join('; ')}`);
    if (!checkpoints.some((one) => one.version === version)) {
      violated(10, `the volume of worker ${id} lacks version ${version} of the cut at the end`);
    }
    if (host.stateKind !== 'whole' && identity !== undefined) await checkChain(world, host, identity, version);
  }
}

/** The sections that the volume lists make the state that the version had. */
async function checkChain(world: World, host: WorkerHost, identity: Identity, version: number): Promise<void> {
  const store = host.stateKind === 'store' ? createSimulatedStore(world) : undefined;
  const state = store ?? createRecords(world.states);
  const loader = state.load();
  const reader = chunkReader((chunk) => loader.take(chunk));
  const found = await findEarlier(host.disk.mount(healthy), identity, version, Infinity);
  if ('path' in found) throw new Error('an incremental state is never a file');
  for await (const piece of found.read()) reader.take(piece);
  reader.endSection();
  loader.end(version);
  const core = host.processes.at(-1)?.core;
  if (core?.generation === identity.generation) world.checker.holds(core, version, state.state);
  store?.comeToRest();
}
