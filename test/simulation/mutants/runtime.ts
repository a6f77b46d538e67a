/** In what surrounds the core: who writes when, and what is told on a new connection. */
import { CORE, RUNTIME, RUNTIME_WORKER, STORAGE, change, mutant, type Mutant } from './mutant.ts';

export const RUNTIME_MUTANTS: readonly Mutant[] = [
  mutant(
    '184 the newest checkpoint is brought back, and not the one that was committed',
    `${STORAGE}/volume.ts`,
    'const entry = entries.find((one) => one.version === version);',
    'const entry = entries.at(-1);',
  ),
  mutant(
    '12 an I/O error of the record is ignored',
    `${RUNTIME}/finder/record-writer.ts`,
    '        failed();\n',
    '        failed();\n        return written(record.counter, 0);\n',
  ),
  mutant(
    '12c membership and prefix are two files that can disagree',
    `${RUNTIME}/finder/record-file.ts`,
    '  const record = file.recovered && decodeRecord(file.recovered.record);\n',
    `  const second = await openTwoSlotFile(disk, 'members');
  let record = file.recovered && decodeRecord(file.recovered.record);
  if (record && second.recovered) {
    const { members, tombstones, membership } = decodeRecord(second.recovered.record);
    record = { ...record, members, tombstones, membership };
  }
`,
    change(
      `${RUNTIME}/finder/record-file.ts`,
      '  return { file, record };\n',
      '  return { file: { ...file, write: (bytes) => second.write(bytes).then(() => file.write(bytes)) }, record };\n',
    ),
  ),
  mutant(
    '20 the volume is read before the predecessor is fenced',
    `${RUNTIME_WORKER}/volume-keeper.ts`,
    "dispatch({ kind: 'volumeOpened', checkpoints, clean });",
    "dispatch({ kind: 'volumeOpened', checkpoints: read.generation === generation ? read.checkpoints : checkpoints, clean });",
    change(
      `${RUNTIME_WORKER}/volume-keeper.ts`,
      "dispatch({ kind: 'surveyed', boot, generation, checkpoints, kept, stamp });",
      "read = { generation, checkpoints }; dispatch({ kind: 'surveyed', boot, generation, checkpoints, kept, stamp });",
    ),
    change(
      `${RUNTIME_WORKER}/volume-keeper.ts`,
      '  let restoring: Promise<void> = Promise.resolve();\n',
      '  let restoring: Promise<void> = Promise.resolve();\n  let read;\n',
    ),
  ),
  mutant(
    '21 the clean-shutdown marker survives into a run that crashes',
    `${RUNTIME_WORKER}/checkpoint-writer.ts`,
    '        await store.clearClean();\n',
    '',
    change(
      `${STORAGE}/appends.ts`,
      "  assert(clean === undefined, 'the clean marker has to be cleared before anything executes');\n",
      '',
    ),
    change(
      `${CORE}/finder/membership.ts`,
      'if (clean?.incarnation !== member.registered || clean.version !== newest) return true;',
      'if (clean === undefined) return true;',
    ),
  ),
  mutant(
    '29 a later checkpoint is announced while an earlier one is retried',
    `${RUNTIME_WORKER}/checkpoint-writer.ts`,
    'if (made !== undefined && !signal.aborted) await store.append(made.checkpoint);',
    `if (made === undefined || signal.aborted) return;
     await store.append(made.checkpoint).catch((error) => {
       if (queue.length < 1) throw error;
       isLater = true;
     });`,
    change(
      `${RUNTIME_WORKER}/checkpoint-writer.ts`,
      '        written((host.now()',
      '        if (isLater) continue;\n        written((host.now()',
    ),
    change(
      `${RUNTIME_WORKER}/checkpoint-writer.ts`,
      '        let made: Materialized | undefined;\n',
      '        let made: Materialized | undefined;\n        let isLater = false;\n',
    ),
    change(`${STORAGE}/appends.ts`, 'failed = own.dropped ? undefined : key;', 'failed = undefined;'),
    change(
      `${CORE}/worker/checkpoint.ts`,
      '  if (first.version !== version) throw new Error(`checkpoint ${version} became durable before ${first.version}`);\n  worker.unwritten.shift();\n  worker.uncommitted.push(first);\n  report(worker, first, worker.urgentUpTo >= version);\n',
      `  const at = worker.unwritten.findIndex((one) => one.version === version);
       if (at < 0) return;
       const [done] = worker.unwritten.splice(at, 1);
       worker.uncommitted.push({ ...done, predecessor: worker.uncommitted.at(-1)?.version ?? done.predecessor });
       report(worker, worker.uncommitted.at(-1), false);
`,
    ),
  ),
  mutant(
    '43 a client that reconnects is not told what its earlier replies wait for',
    `${RUNTIME_WORKER}/peers.ts`,
    'clients.add(connection, worldLine, status.executed);',
    'clients.add(connection, worldLine, 0);',
  ),
  mutant(
    "128 the name of a generation's directory is not synced",
    `${RUNTIME_WORKER}/generations.ts`,
    '  await disk.syncDirectory();\n  const claimed',
    '  const claimed',
  ),
  mutant(
    '133 a checkpoint that the disk refused is taken for durable',
    `${RUNTIME_WORKER}/checkpoint-writer.ts`,
    '      failed();\n      log.error',
    '      failed();\n      return true;\n      log.error',
  ),
  mutant(
    '197 the answer of one connection is not waited for',
    `${RUNTIME}/arrival-barrier.ts`,
    'if (awaited.delete(peer) && awaited.size === 0) user?.answered();',
    'if (awaited.delete(peer) && awaited.size <= 1) user?.answered();',
  ),
  mutant(
    '158 the reply to a retry comes without the cut that covers it',
    `${RUNTIME_WORKER}/clients.ts`,
    'if (last !== undefined && version <= last.own && version > client.told) tell(',
    'if (last !== undefined && version <= 0) tell(',
  ),
  mutant(
    '277 a rollback in memory leaves its versions on the volume',
    `${RUNTIME_WORKER}/checkpoint-writer.ts`,
    "      dropping = persist(options, era.signal, 'rollback', version, () => store.dropAfter(version));\n",
    '      dropping = Promise.resolve(version >= 0);\n',
  ),
  mutant(
    '278 what a new world-line seals is written before the volume has dropped the old one',
    `${RUNTIME_WORKER}/checkpoint-writer.ts`,
    '      draining ??= drain(era).catch(broken);\n',
    '      draining = drain(era).catch(broken);\n',
  ),
  mutant(
    '279 a rollback in memory gives the newest snapshot',
    `${RUNTIME_WORKER}/whole-state.ts`,
    'copies.findLast((copy) => copy.version <= version)',
    'copies.at(-1)',
  ),
  mutant(
    '300 who does not greet in time may stay',
    `${RUNTIME}/peer-connection.ts`,
    '  }, limits.helloMs);',
    '  }, 2 ** 31 - 1);',
  ),
  mutant(
    '301 the place of a peer that has left is never given to another',
    `${RUNTIME}/peer-connection.ts`,
    '      peer.place.leave();\n',
    '',
  ),
  mutant(
    '302 a connection that has ended counts on at its port',
    `${RUNTIME}/connection-admission.ts`,
    '    left: gone,',
    '    left: () => undefined,',
  ),
  mutant(
    '303 the first peer is closed for one that is slow',
    `${RUNTIME}/peer-sweeps.ts`,
    'if (reason !== undefined) frames.close(CLOSE.slow, reason);',
    'if (reason !== undefined) [...paces.keys()][0]?.close(CLOSE.slow, reason);',
  ),
  mutant(
    '304 a peer that is silent for too long is not disconnected',
    `${RUNTIME}/keep-alive.ts`,
    'if (silent >= SILENT_INTERVALS) return frames.terminate();',
    '',
  ),
  mutant(
    '305 frames that wait for their turn wait for ever',
    `${RUNTIME}/input-turns.ts`,
    '    for (const { goOn } of due) goOn();',
    '',
  ),
  mutant(
    '306 of the connections whose frames wait only one has its turn',
    `${RUNTIME}/input-turns.ts`,
    '    for (const { goOn } of due) goOn();',
    '    due[0]?.goOn();',
  ),
  mutant(
    '307 a connection is not read on once the peer has read, if its frames waited',
    `${RUNTIME}/frame-socket.ts`,
    '      held = false;\n      if (release()) resume();',
    '      if (release()) resume();',
  ),
];
