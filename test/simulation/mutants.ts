/**
 * Mistakes that implementations of this protocol have made, each as a change of the source text that the simulator must notice.
 * The first ones carry their numbers in the protocol's list of known mistakes. A text that is not found exactly once is an error, so
 * that no mutant turns harmless unseen when the code changes.
 */
export interface Change {
  /** Relative to the root. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Mutant {
  readonly name: string;
  readonly changes: readonly Change[];
}

const CORE = 'services/core';
const STORAGE = 'services/runtime/storage';
const RUNTIME = 'services/runtime';
const RUNTIME_WORKER = `${RUNTIME}/worker`;
const SIMULATION = 'test/simulation';

function mutant(name: string, file: string, find: string, replace: string, ...more: readonly Change[]): Mutant {
  return { name, changes: [{ file, find, replace }, ...more] };
}

function change(file: string, find: string, replace: string): Change {
  return { file, find, replace };
}

export const MUTANTS: readonly Mutant[] = [
  mutant(
    '01 dependencies of checkpoints read back empty',
    `${CORE}/worker/join.ts`,
    'checkpoints: listed,',
    'checkpoints: listed.map((one) => ({ ...one, dependencies: new Map() })),',
  ),
  mutant(
    '02 restoring to a cached cut instead of the prefix',
    `${CORE}/worker/rollback.ts`,
    'const prefix = survivingVersion(missing, config.id, worker.worldLine);',
    'const prefix = worker.committed;',
  ),
  mutant(
    '03 only the latest prefix is kept',
    `${CORE}/world-lines.ts`,
    'surviving = Math.min(surviving, decision.prefix.get(worker) ?? 0);',
    'surviving = decision.prefix.get(worker) ?? 0;',
  ),
  mutant(
    "04 a survivor's next version follows its own rolled-back one",
    `${CORE}/worker/rollback.ts`,
    '  worker.predecessor = prefix;\n',
    '',
  ),
  mutant(
    '05 the version counter starts again below the cut',
    `${CORE}/worker/join.ts`,
    'worker.version = listed.reduce((version, one) => Math.max(version, one.version), base) + 1;',
    'worker.version = 1;',
  ),
  mutant(
    '06 a removed worker is taken out of the cut',
    `${CORE}/finder/membership.ts`,
    '    tombstones: new Map(record.tombstones).set(id, tombstone),',
    '    tombstones: new Map(record.tombstones).set(id, tombstone), cut: new Map([...record.cut].filter(([one]) => one !== id)),',
  ),
  mutant(
    '07 a worker with nothing uncommitted does not answer a Finder restart',
    `${CORE}/worker/join.ts`,
    "if (!worker.finderOpen || worker.phase !== 'serving') return;",
    "if (!worker.finderOpen || worker.phase !== 'serving' || worker.uncommitted.length === 0) return;",
  ),
  mutant(
    '08 a repeated registration starts another world-line',
    `${CORE}/finder/membership.ts`,
    '  if (member.registered === incarnation) return answer(finder, connection, id, incarnation);\n',
    '',
  ),
  mutant(
    '09 a checkpoint report lost with its connection is never sent again',
    `${CORE}/worker/join.ts`,
    'const checkpoints = uncommitted.map(',
    'const checkpoints = uncommitted.slice(uncommitted.length).map(',
  ),
  mutant(
    '10 a checkpoint that ends after a rollback is reported in the new world-line',
    `${CORE}/worker/checkpoint.ts`,
    '  if (worldLine !== worker.worldLine || first === undefined) return;\n',
    `  if (worldLine !== worker.worldLine) {
       const late = { worldLine: worker.worldLine, version, predecessor: worker.predecessor, dependencies: new Map(), operations: 0, since: 0 };
       worker.uncommitted.push(late);
       return;
     }
     if (first === undefined) return;
`,
  ),
  mutant(
    '11 dependency sets are not cleared by a rollback',
    `${CORE}/worker/rollback.ts`,
    '  worker.dependencies = new Map();\n',
    '',
  ),
  mutant(
    '12 an I/O error of the record is ignored',
    `${RUNTIME}/finder/record-writer.ts`,
    '        failed();\n',
    '        failed();\n        return written(record.counter, 0);\n',
  ),
  mutant(
    '12b a slot of the record with a bad checksum is believed',
    `${STORAGE}/two-slot-file.ts`,
    'return checksumOf(content) === bytes.readUInt32LE(CHECKSUM_AT) ? { slot, bytes: content, counter } : undefined;',
    'return { slot, bytes: content, counter };',
  ),
  mutant(
    '12c membership and prefix are two files that can disagree',
    `${SIMULATION}/finder-actor.ts`,
    '  const record = file.recovered && decodeRecord(file.recovered.record);\n',
    `  const second = await openTwoSlotFile(mountDisk(world, process, finder.disk), 'members');
  let record = file.recovered && decodeRecord(file.recovered.record);
  if (record && second.recovered) {
    const { members, tombstones, membership } = decodeRecord(second.recovered.record);
    record = { ...record, members, tombstones, membership };
  }
`,
    change(
      `${SIMULATION}/finder-actor.ts`,
      '        return file.write(bytes);\n',
      '        return second.write(bytes).then(() => file.write(bytes));\n',
    ),
  ),
  mutant('13 rolled-back versions count in the cut', `${CORE}/finder/membership.ts`, '  finder.graph.clear();\n', ''),
  mutant(
    "14 a cut of another world-line commits a client's operations",
    `${CORE}/session/session.ts`,
    'if (worldLine === session.worldLine && session.verdict === undefined) {',
    'if (worldLine >= session.worldLine && session.verdict === undefined) {',
  ),
  mutant(
    '15 a retry is applied twice',
    `${CORE}/worker/execute.ts`,
    '    if (batch.sequence <= entry.last) return retry(worker, connection, batch, entry);\n',
    '',
    change(`${CORE}/worker/execute.ts`, 'if (batch.sequence !== expected) {', 'if (batch.sequence > expected) {'),
  ),
  mutant(
    '16 a cut is exposed before it is durable',
    `${CORE}/finder/reports.ts`,
    'send(finder, connection, { ...ownCut(exposed, worker), decisions: missing });',
    'send(finder, connection, { ...exposed.cut, cut: new Map([[worker, (exposed.record.worldLine === finder.record.worldLine ? finder : exposed).record.cut.get(worker) ?? 0]]), decisions: missing });',
  ),
  mutant(
    '17 pruning up to and including the cut',
    `${CORE}/worker/checkpoint.ts`,
    "{ kind: 'prune', keep: own }",
    "{ kind: 'prune', keep: own + 1 }",
  ),
  mutant(
    "18 a zombie's late report is accepted",
    `${CORE}/finder/reports.ts`,
    'if (id === undefined || member?.registered !== peer.incarnation || member?.claimed !== peer.incarnation) return;',
    'if (id === undefined || member === undefined) return;',
    change(`${CORE}/finder/membership.ts`, '  if (peer) peer.resent = false;\n  log', '  log'),
  ),
  mutant(
    '19 two executed versions become one checkpoint',
    `${CORE}/worker/execute.ts`,
    '    seal(worker, Math.max(batch.version, worker.version + 1));\n',
    '    worker.version = Math.max(batch.version, worker.version + 1);\n',
  ),
  mutant(
    '20 the volume is read before the predecessor is fenced',
    `${RUNTIME_WORKER}/volume-keeper.ts`,
    "happen({ kind: 'volumeOpened', checkpoints, clean });",
    "happen({ kind: 'volumeOpened', checkpoints: read.generation === generation ? read.checkpoints : checkpoints, clean });",
    change(
      `${RUNTIME_WORKER}/volume-keeper.ts`,
      "happen({ kind: 'surveyed', boot, generation, checkpoints, stamp });",
      "read = { generation, checkpoints }; happen({ kind: 'surveyed', boot, generation, checkpoints, stamp });",
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
      `${STORAGE}/checkpoint-store.ts`,
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
    '22 an emptied volume is accepted',
    `${CORE}/finder/membership.ts`,
    '  if (holds) return undefined;\n',
    '  if (holds || checkpoints.length === 0) return undefined;\n',
  ),
  mutant(
    "23 a cut is relayed under another world-line's number",
    `${CORE}/worker/refresh.ts`,
    '{ ...cutOf(worker, worker.stamp), decisions',
    '{ ...cutOf(worker, worker.stamp), worldLine: Math.min(since, worker.worldLine), decisions',
  ),
  mutant(
    "24 a zombie's clean-shutdown marker is believed",
    `${CORE}/finder/membership.ts`,
    'if (clean?.incarnation !== member.registered || clean.version !== newest) return true;',
    'if (clean === undefined) return true;',
    change(
      `${STORAGE}/volume.ts`,
      '  const stamped = claim.stamp',
      `  for (const one of manifestIncarnations(await disk.list())) {
         const other = await loadManifest(disk, one, identity);
         if (other?.manifest.state.clean) state.clean = other.manifest.state.clean;
       }
       const stamped = claim.stamp`,
    ),
  ),
  mutant(
    "25 a pipelined retry gets the wrong batch's reply",
    `${CORE}/worker/session-table.ts`,
    'return direct?.sequence === sequence ? direct : entry.replies.find((reply) => reply.sequence === sequence);',
    'const last = entry.replies.at(-1); return direct && last ? { ...last, sequence } : undefined;',
  ),
  mutant(
    '26 a zombie adopts the new world-line',
    `${CORE}/worker/rollback.ts`,
    'if (continues > incarnation) {',
    'if (continues > Infinity) {',
  ),
  mutant(
    '27 a checkpoint of a dead world-line is taken in',
    `${CORE}/finder/reports.ts`,
    'if (version <= covered || written !== worldLine) continue;',
    'if (version <= covered) continue;',
    change(`${CORE}/finder/reports.ts`, 'worldLine: written } of listed', '} of listed'),
    change(`${CORE}/finder/reports.ts`, 'const { cut, worldLine } = finder.record;', 'const { cut } = finder.record;'),
  ),
  mutant(
    '28 a clean rejoin without rollback after the world-line moved',
    `${CORE}/finder/membership.ts`,
    'const cleanHere = !lost && message.clean?.worldLine === record.worldLine;',
    'const cleanHere = !lost && message.clean !== undefined;',
    change(
      `${CORE}/finder/membership.ts`,
      'const base = cleanHere ? Math.max(covered, chain.at(-1)?.version ?? covered) : covered;',
      'const base = cleanHere ? Math.max(covered, message.clean?.version ?? covered) : covered;',
    ),
    change(
      `${CORE}/worker/join.ts`,
      'info.version === base && base <= survivingVersion(decisions, config.id, info.worldLine),',
      'info.version === base,',
    ),
  ),
  mutant(
    '29 a later checkpoint is announced while an earlier one is retried',
    `${RUNTIME_WORKER}/checkpoint-writer.ts`,
    'if (!signal.aborted) await store.append(made.checkpoint);',
    `if (signal.aborted) return;
     await store.append(made.checkpoint).catch((error) => {
       if (queue.length < 2) throw error;
       isLater = true;
     });`,
    change(
      `${RUNTIME_WORKER}/checkpoint-writer.ts`,
      '        queue.shift();\n',
      '        queue.shift();\n        if (isLater) continue;\n',
    ),
    change(
      `${RUNTIME_WORKER}/checkpoint-writer.ts`,
      '        const version = next;\n',
      '        const version = next;\n        let isLater = false;\n',
    ),
    change(`${STORAGE}/checkpoint-store.ts`, 'failed = own.dropped ? undefined : key;', 'failed = undefined;'),
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
    '30 a retry is stamped with the new world-line before the verdict',
    `${CORE}/session/session.ts`,
    'if (missing !== undefined) return beginVerdict(session, { worldLine, decisions: missing, tables: new Map() });',
    `if (missing !== undefined) {
       session.worldLine = worldLine;
       for (const one of session.lanes.values()) sendAgain(session, one);
       return beginVerdict(session, { worldLine, decisions: [], tables: new Map() });
     }`,
  ),
  mutant(
    '31 the frontier is replaced instead of updated',
    `${CORE}/session/session.ts`,
    '    if (session.frontier.get(owner) === carried) session.frontier.delete(owner);\n',
    '    if (carried > 0) session.frontier.delete(owner);\n',
  ),
  mutant(
    '32 a prefix below a cut whose write was in flight',
    `${CORE}/finder/membership.ts`,
    '  const prefix: Versions = record.cut;\n',
    '  const prefix: Versions = finder.exposed?.record.cut ?? record.cut;\n  change(finder, { cut: prefix });\n',
  ),
  mutant(
    '33 the boot id is forgotten over a Finder restart',
    `${CORE}/finder/finder.ts`,
    '  finder.record = record ?? { ...UNLOADED, cluster };\n',
    `  finder.record = record ?? { ...UNLOADED, cluster };
     const forgotten = '00'.repeat(16);
     finder.record = { ...finder.record, members: new Map([...finder.record.members].map(([id, member]) => [id, { ...member, boot: forgotten }])) };
`,
  ),
  mutant(
    '34 no listing after a registration',
    `${CORE}/worker/rollback.ts`,
    'message, own });\n  }\n  listGraph(worker);\n',
    'message, own });\n  }\n  if (worker.drainedSent >= 0) listGraph(worker);\n',
  ),
  mutant(
    '35 timers that a jump does not restart',
    `${CORE}/worker/checkpoint.ts`,
    '  if (tick > worker.version) return seal(worker, tick);\n',
    `  worker.timer ??= worker.now;
       if (worker.now >= worker.timer + checkpointIntervalMs) {
         worker.timer = worker.now;
         return seal(worker, worker.version + 1);
       }
`,
  ),
  mutant(
    '36 a started Finder exposes a record that it only read',
    `${CORE}/finder/finder.ts`,
    "  finder.phase = 'starting';\n",
    "  finder.phase = 'serving';\n  finder.exposed = expose(finder, finder.record, undefined);\n",
  ),
  mutant(
    '36b a record that was only read is not written again',
    `${STORAGE}/two-slot-file.ts`,
    '  await overwrite(disk, newest.slot, newest.bytes);\n',
    '',
  ),
  mutant(
    "37 a generation's versions start again",
    `${CORE}/finder/membership.ts`,
    'const base = tombstone?.version ?? 0;',
    'const base = 0;',
  ),
  mutant(
    '38 a registration that another process superseded is not answered',
    `${CORE}/finder/membership.ts`,
    '    if (open) register(finder, connection, message, true);\n',
    '    if (open && member?.claimed === message.incarnation) register(finder, connection, message, true);\n',
  ),
  mutant(
    '39 a call for a worker that was removed waits for ever',
    `${CORE}/session/state.ts`,
    "  else if (!known.open) session.effects.push({ kind: 'connect', worker });\n",
    '',
  ),
  mutant(
    '40 calls of a removed worker are never reported committed',
    `${CORE}/session/session.ts`,
    'if (session.orphans.length > 0) {\n    session.effects',
    'if (session.orphans.length > Infinity) {\n    session.effects',
  ),
  mutant(
    '41 the membership depends on who has claimed',
    `${CORE}/finder/finder.ts`,
    '.filter(([id]) => (record.members.get(id)?.registered ?? 0) === 0)',
    '.filter(([id]) => !record.members.has(id))',
  ),
  mutant(
    '42 a worker hears of its removal before it is durable',
    `${CORE}/finder/reports.ts`,
    "if (removed) return whenDurable(finder, () => send(finder, connection, { kind: 'left' }));",
    "if (removed) return send(finder, connection, { kind: 'left' });",
  ),
  mutant(
    '43 a client that reconnects is not told what its earlier replies wait for',
    `${SIMULATION}/worker-actor.ts`,
    '  client.lastReplied = core.version;\n',
    '',
  ),
  mutant(
    '44 a session does not send again after it reconnects',
    `${CORE}/session/session.ts`,
    '  sendAgain(session, lane);\n  lane.urged = 0;\n',
    '  lane.urged = 0;\n',
  ),
  mutant(
    '45 a worker does not jump to the version that a session has seen',
    `${CORE}/worker/execute.ts`,
    'if (batch.version > worker.version || isTooMuch) {',
    'if (batch.version > Infinity) {',
  ),
  mutant(
    '46 a strict session does not wait before it turns to another worker',
    `${CORE}/session/session.ts`,
    'if (session.unanswered > lane.unanswered || !mayTransmit(session, lane)) break;',
    'if (!mayTransmit(session, lane)) break;',
  ),
  mutant(
    '47 a reply of another world-line is believed',
    `${CORE}/session/session.ts`,
    'if (message.worldLine !== session.worldLine || session.verdict !== undefined) return;',
    '',
  ),
  mutant(
    '48 dependencies on the version right above the cut are left out',
    `${CORE}/session/session.ts`,
    'if ((session.frontier.get(lane.worker) ?? Infinity) <= covered) session',
    'if ((session.frontier.get(lane.worker) ?? Infinity) <= covered + 1) session',
  ),
  mutant('49 the cut is closed under direct dependencies only', `${CORE}/cut.ts`, '    lowered.push(worker);\n', ''),
  mutant(
    '50 a gap in the chain of checkpoints is accepted',
    `${CORE}/finder/reports.ts`,
    'if (version <= last || (chain.length === 0 ? predecessor > covered : predecessor !== last)) break;',
    'if (version <= last) break;',
    change(
      `${CORE}/worker/join.ts`,
      'const checkpoints = uncommitted.map(',
      'const checkpoints = uncommitted.slice(-1).map(',
    ),
  ),
  mutant(
    '51 a decision entitles the last incarnation that registered',
    `${CORE}/finder/membership.ts`,
    'entitled.set(id, member.claimed);',
    'entitled.set(id, member.registered);',
  ),
  mutant(
    '52 replies are not part of a checkpoint',
    `${CORE}/worker/session-table.ts`,
    'replies: [...replies], changed: false',
    'replies: [], changed: false',
  ),
  mutant(
    '53 a seal does not wait for batches in flight',
    `${CORE}/worker/checkpoint.ts`,
    'if (worker.executed && worker.inFlight.size > 0) {',
    'if (worker.executed && worker.inFlight.size > Infinity) {',
  ),
  mutant(
    '54 what was not written yet survives a rollback',
    `${CORE}/worker/rollback.ts`,
    '  worker.unwritten.length = 0;\n',
    '',
  ),
  mutant(
    "55 a tombstone forgets its worker's incarnations",
    `${CORE}/finder/membership.ts`,
    'const incarnation = tombstone?.incarnation ?? 0;',
    'const incarnation = 0;',
  ),
  mutant(
    '56 a removal by force is no failure',
    `${CORE}/finder/membership.ts`,
    "if (member.registered > 0) decide(finder, { worker: id, reason: 'a worker was removed by force' }, id);",
    '',
  ),
  mutant(
    '57 a worker leaves before the cut covers it',
    `${CORE}/finder/membership.ts`,
    'if (peer?.drained !== undefined && peer.drained <= (finder.record.cut.get(id) ?? 0)) remove',
    'if (peer?.drained !== undefined) remove',
  ),
  mutant(
    '58 a leaving worker takes new batches',
    `${CORE}/worker/execute.ts`,
    "if (worker.leaving || worker.shuttingDown || worker.phase === 'marking') return refuseNew",
    "if (worker.shuttingDown || worker.phase === 'marking') return refuseNew",
  ),
  mutant(
    '59 a stopping worker takes new batches',
    `${CORE}/worker/execute.ts`,
    "if (worker.leaving || worker.shuttingDown || worker.phase === 'marking') return refuseNew",
    'if (worker.leaving) return refuseNew',
  ),
  mutant('60 a session numbers on after lost batches', `${CORE}/session/verdict.ts`, '  lane.next = last + 1;\n', ''),
  mutant('61 the frontier survives a rollback', `${CORE}/session/verdict.ts`, '  session.frontier.clear();\n', ''),
  mutant(
    '62 batches do not carry the frontier',
    `${CORE}/session/session.ts`,
    'if (owner === worker) continue;',
    'if (owner >= 0) continue;',
  ),
  mutant(
    '63 the cut counts on reports of a volume that is gone',
    `${CORE}/finder/membership.ts`,
    '    keepListed(finder, message);\n',
    '',
  ),
  mutant(
    '64 a registration is answered with a world-line that goes on without it',
    `${CORE}/finder/membership.ts`,
    'if (member?.claimed !== incarnation) {\n      const text',
    'if (member === undefined) {\n      const text',
  ),
  mutant(
    '65 a worker that has nothing left to commit is not told of the cut',
    `${CORE}/finder/finder.ts`,
    'if (before?.record.cut.get(id) !== cut.get(id)) send',
    'if (before?.record.cut.get(id) !== cut.get(id) && finder.graph.has(id)) send',
  ),
  mutant(
    '66 decisions are told only to workers whose entry of the cut changed',
    `${CORE}/finder/finder.ts`,
    '  if (missing.length > 0) {\n',
    '  if (missing.length > Infinity) {\n',
  ),
  mutant(
    '67 after a rollback a session takes no version for committed',
    `${CORE}/session/verdict.ts`,
    'session.cut.set(worker, prefix?.get(worker) ?? 0);',
    'session.cut.set(worker, 0);',
  ),
  mutant(
    '68 members change in a record that is being written',
    `${CORE}/finder/finder.ts`,
    '  finder.ownMembers = undefined;\n',
    '',
  ),
  mutant(
    '90 a late refusal of what was asked before a rollback stops a worker',
    `${CORE}/worker/join.ts`,
    'if (worker.worldLine + 1 < message.detail) return stop(worker',
    'return stop(worker',
  ),
  mutant(
    '91 an expired session is told that it skipped a number',
    `${CORE}/worker/execute.ts`,
    'if (entry === undefined && batch.acknowledged > 0) {',
    'if (entry === undefined && batch.acknowledged > Infinity) {',
  ),
  mutant(
    '92 sessions expire while their client goes on',
    `${CORE}/worker/session-table.ts`,
    'if (now - entry.activeAt <= expiryMs) continue;',
    'if (now - entry.activeAt <= expiryMs / 10) continue;',
  ),
  mutant(
    '93 batches wait without a limit',
    `${CORE}/worker/execute.ts`,
    'if (worker.waiting.length >= maxWaitingBatches || bytes > maxWaitingBytes) {',
    'if (bytes > maxWaitingBytes) {',
  ),
  mutant(
    '94 sessions are remembered without a limit',
    `${CORE}/worker/execute.ts`,
    '} else if (entry === undefined && worker.sessions.entries.size >= config.maxSessions) {',
    '} else if (entry === undefined && worker.sessions.entries.size >= Infinity) {',
  ),
  mutant(
    '95 execution does not wait for the disk',
    `${CORE}/worker/execute.ts`,
    'worker.unwritten.length >= maxUnwrittenVersions ||',
    'worker.unwritten.length >= Infinity ||',
  ),
  mutant(
    '96 a repeated claim gets another incarnation',
    `${CORE}/finder/membership.ts`,
    '  if (member.boot !== boot) {\n',
    '  if (member.boot !== boot || member.registered > 0) {\n',
  ),
  mutant(
    '97 a worker tells of its session table before it was restored',
    `${CORE}/worker/execute.ts`,
    "  if (worker.phase === 'restoring' || worker.phase === 'joining') {\n",
    "  if (worker.phase === 'joining') {\n",
  ),
  mutant(
    '98 a worker stops before its last checkpoint is durable',
    `${CORE}/worker/worker.ts`,
    '!worker.executed && worker.unwritten.length === 0;',
    '!worker.executed;',
  ),
  mutant(
    '99 the generation of an id starts again',
    `${CORE}/finder/membership.ts`,
    'generation: (tombstone?.generation ?? 0) + 1,',
    'generation: 1,',
  ),
  mutant(
    '100 completed calls of a removed worker survive every rollback',
    `${CORE}/session/verdict.ts`,
    '    if (call.version <= kept) survivors.push(call.number);\n',
    '    if (call.version <= Infinity) survivors.push(call.number);\n',
  ),
  mutant(
    '69 the newest decisions are forgotten first',
    `${CORE}/world-lines.ts`,
    'return decisions.slice(decisions.length - kept);',
    'return decisions.slice(0, kept);',
  ),
  mutant(
    '70 a table of an earlier world-line is believed',
    `${CORE}/session/session.ts`,
    'if (message.worldLine !== verdict?.worldLine) return;',
    'if (verdict === undefined) return;',
    change(`${CORE}/worker/execute.ts`, '  if (!inStep(worker, connection, { ...query, sequence: 0 })) return;\n', ''),
  ),
  mutant(
    '121 a retried record goes to the other slot',
    `${STORAGE}/two-slot-file.ts`,
    '    } finally {\n      writing = false;\n    }\n',
    '    } catch (error) {\n      holder = slot;\n      throw error;\n    } finally {\n      writing = false;\n    }\n',
  ),
  mutant(
    '122 a record is announced before it is synced',
    `${STORAGE}/two-slot-file.ts`,
    '    await file.writeAt(0, bytes);\n    await file.datasync();\n    if (unproven)',
    '    await file.writeAt(0, bytes);\n    if (unproven)',
  ),
  mutant(
    '123 the name of a new slot is not synced',
    `${STORAGE}/two-slot-file.ts`,
    '    await disk.rename(temporary(slot.name), slot.name);\n    await disk.syncDirectory();\n',
    '    await disk.rename(temporary(slot.name), slot.name);\n',
  ),
  mutant(
    '124 a failed sync of a record is repeated, and its bytes are not',
    `${STORAGE}/two-slot-file.ts`,
    '    await file.datasync();\n    if (unproven)',
    '    await file.datasync().catch(() => file.datasync());\n    if (unproven)',
  ),
  mutant(
    '125 a checkpoint is announced before it is synced',
    `${STORAGE}/manifest-log.ts`,
    '    await current.file.datasync();\n',
    '',
  ),
  mutant(
    '126 a failed sync of a manifest is repeated, and its bytes are not',
    `${STORAGE}/manifest-log.ts`,
    '    await current.file.datasync();\n',
    '    await current.file.datasync().catch(() => current.file.datasync());\n',
  ),
  mutant(
    '127 the name of a manifest is not synced',
    `${STORAGE}/manifest-log.ts`,
    '    await disk.rename(temporary(name), name);\n    await disk.syncDirectory();\n',
    '    await disk.rename(temporary(name), name);\n',
  ),
  mutant(
    "128 the name of a generation's directory is not synced",
    `${RUNTIME_WORKER}/generations.ts`,
    '  await disk.syncDirectory();\n',
    '',
  ),
  mutant(
    '129 a torn end of a manifest is believed',
    `${STORAGE}/frame.ts`,
    'if (meta === undefined || payload.length < head.payloadBytes || crc32(payload) !== head.payloadChecksum)',
    'if (meta === undefined)',
    change(
      `${STORAGE}/manifest-log.ts`,
      'if (bytes.length === part.bytes && crc32(bytes) === part.checksum) return bytes;',
      'if (bytes.length <= part.bytes) return bytes;',
    ),
  ),
  mutant(
    '130 the manifest of a lower incarnation wins',
    `${STORAGE}/volume.ts`,
    'const below = incarnations.filter((one) => one < incarnation).at(-1) ?? 0;',
    'const below = incarnations.filter((one) => one < incarnation).at(0) ?? 0;',
  ),
  mutant(
    '131 a restore is told before what it drops is durably gone',
    `${STORAGE}/checkpoint-store.ts`,
    'await log.mark({ ...before, entries, clean }, version);',
    'log.adopt({ ...before, entries, clean });',
  ),
  mutant(
    '132 files are removed before the manifest that needs them is replaced',
    `${STORAGE}/checkpoint-store.ts`,
    'else if (lost.length > 0 || garbage.size > 0) await log.mark(next);',
    'else if (lost.length > 0 || garbage.size > 0) log.adopt(next);',
  ),
  mutant(
    '133 a checkpoint that the disk refused is taken for durable',
    `${RUNTIME_WORKER}/checkpoint-writer.ts`,
    '        failed();\n        log.error',
    '        failed();\n        return true;\n        log.error',
  ),
  mutant(
    '134 the state of a checkpoint is not synced',
    `${STORAGE}/part-files.ts`,
    '    await file.writeAt(0, sealHead(head, checksum));\n    await file.datasync();\n',
    '    await file.writeAt(0, sealHead(head, checksum));\n',
  ),
  mutant(
    "135 the name of a checkpoint's file is not synced",
    `${STORAGE}/part-writer.ts`,
    "      if (statePart.place !== 'inline' || sessionsPart.place !== 'inline') await disk.syncDirectory();\n",
    '',
  ),
  mutant(
    '136 an append in flight outlives a rollback',
    `${STORAGE}/checkpoint-store.ts`,
    '    for (const one of pending) if (one.key.version > version) one.drop();\n',
    '',
    change(
      `${STORAGE}/checkpoint-store.ts`,
      'const entries = upTo(before.entries, version);',
      'const entries = before.entries;',
    ),
  ),
  mutant(
    '137 a zombie writes a manifest although it was superseded',
    `${STORAGE}/manifest-log.ts`,
    '    await refuseIfSuperseded(disk, head.incarnation);\n',
    '',
    change(`${STORAGE}/volume.ts`, '  await refuseIfSuperseded(disk, incarnation);\n  await ensure', '  await ensure'),
    change(
      `${STORAGE}/names.ts`,
      'return `manifest-${incarnation}`;',
      'return `manifest-${incarnation - (incarnation % 2)}`;',
    ),
  ),
  mutant(
    '138 the Finder starts from a record of which nothing is valid',
    `${STORAGE}/two-slot-file.ts`,
    "if (slots.some((slot) => slot.state === 'present')) throw noValidSlot(disk, slots);",
    '',
  ),
  mutant(
    '119 a session lets go of operations that it may issue again',
    `${CORE}/session/session.ts`,
    'if (!session.config.replay) call.operations = LET_GO;',
    'call.operations = LET_GO;',
  ),
  mutant(
    '120 a reply that came late is kept behind later ones',
    `${CORE}/worker/session-table.ts`,
    'else if (last.sequence < reply.sequence) replies.push(reply);',
    'else if (last.sequence !== reply.sequence) replies.push(reply);',
  ),
  mutant(
    '141 the Finder does not compare stamps',
    `${CORE}/finder/finder.ts`,
    "if (stamp !== undefined && peer.role === 'worker' && isNewer(finder, stamp)) return refuseAll(finder, stamp);",
    '',
  ),
  mutant(
    '142 a start that the record does not know is taken for a forgotten one',
    `${CORE}/finder/finder.ts`,
    'if (place < 0) return stamp.counter >= (starts[0]?.counter ?? 0);',
    'if (place < 0) return false;',
  ),
  mutant(
    '143 stamps of a start that went on elsewhere are taken for known',
    `${CORE}/finder/finder.ts`,
    'return stamp.counter >= (next?.counter ?? counter + 1);',
    'return next === undefined && stamp.counter > counter;',
  ),
  mutant(
    '144 a Finder with an old record refuses only those who know better',
    `${CORE}/finder/finder.ts`,
    "  finder.phase = 'refusing';\n",
    '',
  ),
];

/** The mutant whose name begins with `text`. @throws Error when there is none, or several */
export function mutantNamed(text: string): Mutant {
  const [found, another] = MUTANTS.filter(({ name }) => name.startsWith(text));
  if (found === undefined || another !== undefined) {
    throw new Error(`'${text}' begins the names of ${found === undefined ? 'no' : 'several'} mutants`);
  }
  return found;
}
