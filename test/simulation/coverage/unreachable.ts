/**
 * Blocks that a run need not reach, and why. A run fails when one that no seed can reach was reached, or when the text of one is gone,
 * as it fails for any other block that was not reached.
 */
export interface Unreachable {
  readonly because: string;
  /** File, relative to `services`, to texts: of the lines on which the blocks begin, in one place of the file only. */
  readonly blocks: Readonly<Record<string, readonly string[]>>;
  /** One seed in thousands reaches it; tests of its room always do. */
  readonly isRare?: boolean;
}

export const UNREACHABLE: readonly Unreachable[] = [
  {
    because:
      'the client tells a session of the removal of workers that the session deals with, and of their last generation',
    blocks: { 'core/session/session.ts': ['if (lane === undefined || lane.generation > generation) return;'] },
    isRare: true,
  },
  {
    because: 'only a peer with a defect does that',
    blocks: {
      'core/finder/reports.ts': ["log(finder, 'protocolError'"],
      'core/worker/join.ts': [
        "if (worker.phase !== 'claiming') return;",
        "if (worker.phase !== 'claiming') break;",
        'which is not for a worker` });',
      ],
      'core/worker/execute.ts': ['if (!(error instanceof MalformedOperations))'],
      'core/session/refusals.ts': [
        'if (message.detail < oldest.sequence &&',
        "'protocolViolation', `worker ${lane.worker} forgot",
        'return; // about the connection',
        'return endSession(session, code, lane === undefined ? text :',
        'if (lane === undefined) return;',
      ],
      'core/session/session.ts': ['answered batch ${call.sequence} with', 'default: return;'],
    },
  },
  {
    because: "no process takes one cluster's, worker's or generation's volume for another's here",
    blocks: {
      'core/finder/finder.ts': ['const text = `this Finder serves cluster'],
      'core/finder/reports.ts': ["return sendError( finder, connection, 'unknownWorker'"],
      'core/worker/join.ts': ['if (isMember(worker)) return log('],
      'core/worker/worker.ts': ["if (!worker.finderOpen && message.kind !== 'error') return;"],
      'runtime/storage/volume.ts': [
        'throw new WrongVolumeError(',
        'generation ${generation}, in cluster ${cluster}`;',
        'throw new StorageDamagedError( `${pathOf(disk, name)} is of ${describe(',
      ],
    },
  },
  {
    because: 'the administrator here names members only, by ids and generations that they have',
    blocks: {
      'core/finder/membership.ts': [
        'if (id > MAX_WORKER_ID)',
        'const text = `worker ${id} is of generation ${member.generation}, not',
      ],
    },
  },
  {
    because: "an operator's watch is not part of the simulation",
    blocks: {
      'core/finder/finder.ts': ['peer.subscribed = true;', '.map(([connection]) => connection);'],
    },
  },
  {
    because: 'a peer that is watched for silence has greeted',
    blocks: { 'core/finder/status.ts': ['if (peer === undefined) return;'] },
  },
  {
    because: 'the simulated stores give bytes, not files',
    blocks: {
      'runtime/storage/manifest-log.ts': ["if (section.place !== 'segments') files.add("],
      'runtime/storage/store-file.ts': [],
      'runtime/storage/part-files.ts': [], // nor are they of a volume whose large parts had files of their own
      'runtime/storage/part-writer.ts': [
        'const part = await stores.take(key);',
        '? await takeStoreFile(key)',
        '? [partName(key,',
        '? key.version :',
      ],
      'runtime/storage/checkpoint-reader.ts': [
        "if (entry.state.place === 'store') return checkedFile(from.disk,",
        "if (entry.state.place === 'store') return checkedFile(disk,",
        'const fault = await checkPartFile(',
      ],
      'runtime/storage/checkpoint-store.ts': [
        'const name = storeFileName({ incarnation, worldLine, version });',
        'else garbage.add(filesOf(one));',
      ],
      'runtime/storage/section-reader.ts': [
        'else yield* readPartFile(',
        "if (section.place !== 'segments') return checkPartFile(",
      ],
      'runtime/storage/manifest.ts': [
        "return place === 'inline' ?",
        "return section.place === 'segments' ? section.extents.map(",
      ],
      'runtime/storage/appends.ts': [
        'for (const file of one.files) names.push(file);',
        "const since = { state: state === 'storeFile' ?",
      ],
    },
  },
  {
    because: 'nothing here is so large',
    blocks: {
      'core/queue.ts': ['else if (this.#front >= MAX_EMPTY && 2 * this.#front >= others.length) { others.splice'],
      'core/finder/earlier-generations.ts': ['return refused( `the volume of worker ${id} keeps'],
      'core/worker/session-sections.ts': ['table.chained > MAX_RESTORED_SECTIONS) table.since = 0;'],
      'runtime/storage/segment-space.ts': [
        'for (const segment of empty.slice(MAX_FREE_SEGMENTS)) forgetIfEmpty(segment);',
      ],
      'core/finder/finder.ts': ['if (finder.held.length >= finder.config.maxHeld', 'too many answers wait'],
      'runtime/storage/frame.ts': ['if (text.length > META_LIMIT_BYTES)'],
      'runtime/storage/two-slot-file.ts': ['exceeds the limit of ${RECORD_LIMIT_BYTES}`'],
      'runtime/storage/manifest-log.ts': ['throw new StorageLimitError(', '? TIGHT_INLINE_LIMIT_BYTES :'],
      'runtime/storage/appends.ts': [
        'checkpoints wait to be written already`',
        'throw new StorageLimitError( `${disk.directory} holds',
      ],
      'runtime/storage/checkpoint-reader.ts': ['throw new StateTooLargeError('],
      'runtime/storage/volume.ts': ['throw new SupersededError( `${disk.directory} kept changing while incarnation'],
    },
  },
  {
    because: 'the administrator here does not say which of the earlier generations a worker begins with',
    blocks: {
      'core/finder/earlier-generations.ts': [
        'const generation = from === 0 ?',
        'const what = generation === 0 ?',
        'if (removal.version === 0) return { seed: undefined };',
      ],
    },
  },
  {
    because: 'so many removals of one id do not happen here, of which the Finder remembers the last ones',
    blocks: { 'core/finder/earlier-generations.ts': ['return refused( `the Finder does not remember'] },
  },
  {
    because: 'no record or volume here is of an earlier format',
    blocks: {
      'runtime/storage/manifest.ts': ["fields.optionalWhole('since') ?? version"],
      'runtime/storage/meta.ts': ["has(name) ? get(name, 'true or false'"],
      'core/finder/record.ts': [
        'if (format !== FORMAT && format !== FIRST_FORMAT) {',
        'const record = format === FORMAT ?',
        'const { members, tombstones, ...rest } = firstLayout.read(reader);',
      ],
    },
  },
  {
    because: 'versions here stay far from where numbers end: no client that claims such a one is believed',
    blocks: {
      'core/versions.ts': ['return version < TWO_TO_53 ? version + 1 : version + 2;', 'return reached > MAX_VERSION ?'],
      'core/worker/checkpoint.ts': [
        'if (worker.version > MAX_VERSION && tick > worker.openedAtTick)',
        'if (worker.version > MAX_VERSION) return;',
      ],
    },
  },
  {
    because: 'what a session of a sound client saw was reported long before it gives up',
    blocks: { 'core/session/refusals.ts': ["endSession(session, 'absurdVersion'"] },
  },
  {
    because: 'the limits of a worker do not change here',
    blocks: { 'core/worker/quotas.ts': ["return tellShort(worker, 'the checkpoint has more sessions"] },
  },
  {
    because: 'nothing is held up here for so long, but by several faults of disks',
    isRare: true,
    blocks: {
      'core/finder/blocked-commits.ts': [
        'if (isTold) goOn.push(worker);',
        'known.isTold = true;',
        'const waitsFor = holdUp(finder, first);',
        'if (goOn.length > 0) log(',
        'return new Set([...waits.stuck].flatMap(',
        'if (visited.has(owner)) continue;',
      ],
      'core/finder/status.ts': ['const blocked = new Map(', 'return place < MAX_EXPLAINED ?'],
    },
  },
  {
    because: 'so much seldom happens here between two starts of the Finder',
    isRare: true,
    blocks: { 'core/finder/kept-events.ts': ['if (kept.events.length > MAX_KEPT_EVENTS) kept.events.shift();'] },
  },
  {
    because: 'a Finder with an old record waits here until it has heard of all its members',
    blocks: { 'core/finder/record-settling.ts': ['const ids ='] },
  },
  {
    because: 'processes here die, and close nothing',
    blocks: {
      'core/worker/worker.ts': ['if (hasStopped(worker)) return worker.effects;'],
      'core/session/session.ts': ["if (session.phase === 'ended') return NO_EFFECTS;"],
      'core/finder/finder.ts': ['if (peer === undefined || exposed === undefined ||'],
    },
  },
  {
    because:
      'disks here do not return other bytes than they hold, nor contents with right checksums that were never written',
    blocks: {
      'runtime/storage/two-slot-file.ts': ['does not hold what was just written to it'],
      'runtime/storage/meta.ts': ['throw new StorageDamagedError('],
      'runtime/storage/manifest.ts': ['throw damaged(file, frame.address.position);'],
    },
  },
  {
    because:
      'the caller sees to it before: a writer appends one checkpoint after another, and what follows a rollback after the drop; a member has decisions, a waiting one is there',
    blocks: {
      'runtime/storage/appends.ts': [
        'throw new AppendBlockedError(',
        'if (!one.dropped) continue;',
        'if (!isRestorable(newest) || newest[chain].since > since) return false;',
      ],
      'runtime/storage/manifest.ts': ['a.counter > b.counter ? a : b;'],
      'runtime/storage/volume.ts': ['if (loaded === undefined) return false;'],
      'core/finder/reports.ts': ['?? exposed.record.worldLine;'],
      'core/finder/membership.ts': ['if (one === undefined) return;'],
      'core/worker/refresh.ts': ['if (worker.stamp === undefined) return;'],
      'core/worker/session-sections.ts': [
        'for (const id of marked.ended) Object.assign(',
        'for (const { id, upTo } of marked.givenUp) Object.assign(',
      ],
      'core/worker/rollback.ts': ['const worldLine = missing.at(-1)?.worldLine ??'],
      'core/worker/worker.ts': ['if (!isMember(worker)) return;', "if (worker.phase !== 'marking') return;"],
      'core/session/verdict.ts': ['if (verdict === undefined) return; for'],
    },
  },
  {
    because: 'the Finder fences a worker, or tells that it has left, before it decides what goes on without it',
    blocks: {
      'core/worker/rollback.ts': [
        "if (continues === undefined) return stop(worker, 'left'",
        "return stop(worker, 'fenced', `world-line ${worldLine} goes on with",
      ],
    },
  },
  {
    because: 'a worker greets with the stamp of the record that told it of its world-line',
    blocks: { 'core/finder/reports.ts': ['return refuseAll('] },
  },
  {
    because:
      'so many sessions on one connection, and others that were idle for so long, are rare where there is little room',
    isRare: true,
    blocks: {
      'core/worker/quotas.ts': ['return isCrowd ?'],
      'core/worker/session-shedding.ts': [
        'if (oldest === undefined || now - oldest.activeAt <= giveWayMs ||',
        'drop(table, oldest); } return true;',
      ],
    },
  },
  {
    because:
      'where clients have addresses there is room for replies, no session is idle for long, and limits stay as they are',
    isRare: true,
    blocks: {
      'core/worker/quotas.ts': [
        'if (byMost(worker, measure).some(',
        'return `${all}; ${heldBytes(worker, origin)} of them are for clients',
        "isFew() || byMost(worker, 'sessions')",
        "isSmall() || byMost(worker, 'replyBytes')",
        'if (held > replyRoom(worker, origin, held) * EASED_SHARE) return false;',
      ],
    },
  },
  {
    because: 'it takes several faults within a few steps of a disk, or of a client',
    isRare: true,
    blocks: {
      'runtime/storage/two-slot-file.ts': ['if (isGone(error)) await refuseIfLost();'],
      'runtime/storage/volume.ts': [
        'does not hold checkpoint ${version} of',
        'if (attempt < CLAIM_ATTEMPTS) continue;',
        'kept changing while it was read',
        'if (inheritance === undefined) return undefined;',
        'if (damage.length > 0 && (await changed(disk, loaded))) return undefined;',
        "if (systemCode(error) === 'ENOENT') return undefined;",
      ],
      'runtime/storage/manifest-log.ts': [
        'return refuseWithout(disk, head.incarnation, state.entries, [manifestName(head.incarnation)], []);',
        'if ((await current.file.size()) < current.end) throw',
        'await rewrite(current.state); encoded',
        'const path = pathOf(disk, manifestName(',
      ],
      'runtime/storage/section-reader.ts': [
        'if (error instanceof StorageDamagedError) return error.message;',
        'throw unusable(`${place} is missing`);',
        'if (start === undefined) throw unusable(',
        'if (size < end) throw unusable(',
        'is missing`); throw error;',
      ],
      'runtime/storage/frame.ts': ['if (kind === undefined || metaBytes > META_LIMIT_BYTES) return undefined;'],
      'runtime/storage/file-names.ts': [
        'if (match && Number(match[1]) === incarnation) next =',
        "return part === 'state' ? name : `${name}-sessions`;", // of a large table
      ],
      'runtime/storage/pieces.ts': ['yield joined(gathered); gathered = [];'],
      'runtime/storage/segment-space.ts': ['if (segment === undefined) return;'],
      'runtime/storage/segment-writer.ts': [
        'await disk.unlink(file).catch(',
        'if (last?.[0]?.file === room.file) last.push(room);',
        'const iterator = Symbol.asyncIterator in pieces ?', // of a large state that is brought back
      ],
      'core/worker/session-table.ts': ['if (origin === UNKNOWN_ORIGIN) continue; unlist(table, entry);'],
      'runtime/storage/section-frames.ts': ['if (head?.kind !== chain ||', 'if (head.payloadBytes !== bytes ||'],
      'runtime/storage/checkpoint-reader.ts': [
        'if (entry === undefined || !isRestorable(entry)) throw nothingToRestore',
        'const versions = entries.filter(',
        'await refuseDamaged(from.disk, entry, section);',
        "if (section.place === 'inline') return;",
        "const fault = await checkSection(disk, { entry, chain: 'state', section }, 'whole'); if (fault !== undefined)",
      ],
      'runtime/storage/checkpoint-store.ts': ['if (error instanceof StorageDamagedError) await refuseIfSuperseded'],
      'runtime/storage/appends.ts': ['if (own.dropped) throw droppedError(key);', '() => writer.forget(key),'],
      'runtime/storage/store-turns.ts': [
        'if (isGone(error)) await log.refuseIfLost();',
        'if (over !== undefined) throw over;',
      ],
      'core/finder/reports.ts': ['if (version <= last || (chain.length === 0'],
      'core/finder/earlier-generations.ts': [
        'return refused( `version ${removal.version} of generation',
        ') ?? false;',
      ],
      'core/finder/membership.ts': [
        'return `worker ${id} is to begin with what generation ${member.seed',
        'return `the volume of worker ${id} is of generation',
        '`no worker has the id ${id}`', // of an old record
      ],
      'core/worker/rollback.ts': ['if (worker.restoring !== version) return;'],
      'core/worker/join.ts': ["return stop(worker, 'refused', `version ${base} is to be restored"],
      'core/worker/worker.ts': ["if (message.worldLine !== worker.worldLine || worker.phase !== 'serving') return;"],
      'core/worker/session-shedding.ts': ['if (last === undefined) continue;'],
      'core/worker/execute.ts': ['was acknowledged and is forgotten`', 'gave way to others, because the worker'],
      'core/session/refusals.ts': ['if (lane !== undefined && message.sequence > 0 && !isUnanswered'],
      'core/session/session.ts': ['if (generation < lane.generation || generation <= lane.removed) return;'],
      'core/session/verdict.ts': ['forgot the session, which was idle'],
    },
  },
];
