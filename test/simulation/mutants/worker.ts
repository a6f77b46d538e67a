/** In a worker. */
import { CORE, STORAGE, change, mutant, type Mutant } from './mutant.ts';

export const WORKER_MUTANTS: readonly Mutant[] = [
  mutant(
    '183 a rollback before the first commit forgets what was brought back',
    `${CORE}/worker/join.ts`,
    '  worker.oldest = Math.min(worker.oldest, base);\n',
    '',
  ),
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
    "04 a survivor's next version follows its own rolled-back one",
    `${CORE}/worker/rollback.ts`,
    '  worker.predecessor = prefix;\n',
    '',
  ),
  mutant(
    '05 the version counter starts again below the cut',
    `${CORE}/worker/join.ts`,
    'openVersion(worker, versionAfter(listed.reduce((version, one) => Math.max(version, one.version), base)));',
    'openVersion(worker, 1);',
  ),
  mutant(
    '07 a worker with nothing uncommitted does not answer a Finder restart',
    `${CORE}/worker/join.ts`,
    "if (!worker.finderOpen || worker.phase !== 'serving') return;",
    "if (!worker.finderOpen || worker.phase !== 'serving' || worker.uncommitted.length === 0) return;",
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
    '15 a retry is applied twice',
    `${CORE}/worker/execute.ts`,
    '    if (batch.sequence <= entry.last) return retry(worker, connection, batch, entry);\n',
    '',
    change(`${CORE}/worker/execute.ts`, 'if (batch.sequence !== expected) {', 'if (batch.sequence > expected) {'),
  ),
  mutant(
    '17 pruning up to and including the cut',
    `${CORE}/worker/checkpoint.ts`,
    "{ kind: 'prune', keep: own }",
    "{ kind: 'prune', keep: own + 1 }",
  ),
  mutant(
    '19 two executed versions become one checkpoint',
    `${CORE}/worker/execute.ts`,
    '    seal(worker, Math.max(batch.version, versionAfter(worker.version)));\n',
    '    worker.version = Math.max(batch.version, versionAfter(worker.version));\n',
  ),
  mutant(
    "23 a cut is relayed under another world-line's number",
    `${CORE}/worker/refresh.ts`,
    '{ ...cutOf(worker, worker.stamp), decisions',
    '{ ...cutOf(worker, worker.stamp), worldLine: Math.min(since, worker.worldLine), decisions',
  ),
  mutant(
    "25 a pipelined retry gets the wrong batch's reply",
    `${CORE}/worker/session-table.ts`,
    'return direct?.sequence === sequence ? direct : entry.replies.find((reply) => reply.sequence === sequence);',
    'const last = entry.replies.at(-1); return direct && last ? { ...last, sequence } : undefined;',
  ),
  mutant(
    '26 a zombie that is not told to stop adopts the new world-line',
    `${CORE}/worker/rollback.ts`,
    'if (continues > incarnation) {',
    'if (continues > Infinity) {',
    change(
      `${CORE}/finder/membership.ts`,
      '  const connection = finder.bound.get(id);\n  if (connection === undefined) return;\n',
      '  return;\n',
    ),
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
       if (worker.now >= worker.timer + worker.config.checkpointIntervalMs) {
         worker.timer = worker.now;
         return seal(worker, worker.version + 1);
       }
`,
  ),
  mutant(
    '45 a worker does not jump to the version that a session has seen',
    `${CORE}/worker/execute.ts`,
    'if (batch.version > worker.version || isTooMuch) {',
    'if (batch.version > Infinity) {',
  ),
  mutant(
    '52 replies are not part of a checkpoint',
    `${CORE}/worker/session-sections.ts`,
    'one.replies = replies.map((stored) => ({ ...stored, isOwn: true }));',
    'one.replies = replies.map((stored) => ({ ...stored, isOwn: true })).slice(replies.length);',
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
  mutant(
    "200 a client's word makes a worker adopt a newer world-line",
    `${CORE}/worker/execute.ts`,
    'const text = `this worker has not heard of world-line ${batch.worldLine}`;',
    'worker.worldLine = batch.worldLine;\n    return true;',
  ),
  mutant(
    '201 a batch of a newer world-line executes',
    `${CORE}/worker/execute.ts`,
    'if (batch.worldLine > worker.worldLine) {',
    'if (batch.worldLine > Infinity) {',
  ),
  mutant(
    '203 a worker that reconnects is not told of the world-lines that it missed',
    `${CORE}/finder/reports.ts`,
    'send(finder, connection, { ...ownCut(exposed, worker), decisions: missing });',
    'send(finder, connection, ownCut(exposed, worker));',
    change(
      `${CORE}/worker/worker.ts`,
      "if (missing === undefined) toFinder(worker, { kind: 'refresh', worldLine: worker.worldLine });\n  else adopt",
      'if (missing !== undefined) adopt',
    ),
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
    `${CORE}/worker/session-shedding.ts`,
    'if (now - entry.activeAt <= expiryMs) return;',
    'if (now - entry.activeAt <= expiryMs / 10) return;',
  ),
  mutant(
    '93 batches wait without a limit',
    `${CORE}/worker/execute.ts`,
    'if (worker.waiting.length >= maxWaitingBatches || bytes > maxWaitingBytes) {',
    'if (bytes > maxWaitingBytes) {',
  ),
  mutant(
    '93b batches that wait are lost once a step has done enough',
    `${CORE}/worker/execute.ts`,
    '  for (const later of waiting.slice(next)) keepWaiting(worker, later);',
    '',
  ),
  mutant(
    '94 sessions are remembered without a limit',
    `${CORE}/worker/quotas.ts`,
    'return Math.min(config.maxSessions, Math.floor(config.maxSessionBytes / ENTRY_BYTES));',
    'return Math.floor(config.maxSessionBytes / ENTRY_BYTES);',
  ),
  mutant(
    '95 execution does not wait for the disk',
    `${CORE}/worker/execute.ts`,
    'worker.unwritten.length >= maxUnwrittenVersions ||',
    'worker.unwritten.length >= Infinity ||',
  ),
  mutant(
    '97 a worker tells of its session table before it was restored',
    `${CORE}/worker/execute.ts`,
    '  if (!isRestored(worker)) {\n',
    "  if (!isRestored(worker) && worker.phase !== 'restoring') {\n",
  ),
  mutant(
    '98 a worker stops before its last checkpoint is durable',
    `${CORE}/worker/worker.ts`,
    '!worker.executed && worker.unwritten.length === 0;',
    '!worker.executed;',
  ),
  mutant(
    '120 a reply that came late is kept behind later ones',
    `${CORE}/worker/session-table.ts`,
    'else if (last.sequence < reply.sequence) replies.push(reply);',
    'else if (last.sequence !== reply.sequence) replies.push(reply);',
  ),
  mutant(
    '145 a reply to a batch in flight goes where a late copy of it came from',
    `${CORE}/worker/execute.ts`,
    'running.connection = Math.max(running.connection, connection);',
    'running.connection = connection;',
  ),
  mutant(
    '155 a sweep of the session table ends before its last entry',
    `${CORE}/worker/session-sections.ts`,
    'if (sweep.left === 0) {',
    'if (sweep.left <= 1) {',
  ),
  mutant(
    '156 a sweep of the session table counts before it has ended',
    `${CORE}/worker/session-sections.ts`,
    'return { since: table.since, bytes };',
    'return { since: table.sweep?.from ?? table.since, bytes };',
  ),
  mutant(
    '157 a sweep of the session table passes over sessions without replies',
    `${CORE}/worker/session-sections.ts`,
    'if (next.value.changed) continue;',
    'if (next.value.changed || next.value.replies.length === 0) continue;',
  ),
  mutant(
    '159 a session table that was restored counts as whole from its last section on',
    `${STORAGE}/checkpoint-reader.ts`,
    'sessionsSince: entry.sessions.since };',
    'sessionsSince: entry.version };',
  ),
  mutant(
    '190 replies are kept without a limit on their bytes',
    `${CORE}/worker/quotas.ts`,
    'if (fits(worker, origin, more, share) || makeReplyRoom(worker, origin, more, share)) return true;',
    'if (more > -Infinity) return true;',
  ),
  mutant(
    '191 replies that were acknowledged count on',
    `${CORE}/worker/session-table.ts`,
    '  account(table, entry, -bytes);\n',
    '',
  ),
  mutant(
    '192 replies that were restored do not count',
    `${CORE}/worker/session-sections.ts`,
    '        table.replyBytes += one.replyBytes;\n',
    '',
  ),
  mutant(
    '193 replies give way although their client is there',
    `${CORE}/worker/session-shedding.ts`,
    'now - hand.activeAt <= replyGiveWayMs',
    'now - hand.activeAt < 0',
  ),
  mutant(
    '194 sessions give way while their client sends again',
    `${CORE}/worker/session-shedding.ts`,
    'now - oldest.activeAt <= giveWayMs',
    'now - oldest.activeAt < 0',
  ),
  mutant(
    '195 checkpoints that wait for the disk have no limit on their bytes',
    `${CORE}/worker/execute.ts`,
    'worker.unwrittenBytes >= maxUnwrittenBytes ||',
    'worker.unwrittenBytes >= Infinity ||',
  ),
  mutant(
    '196 bytes of checkpoints count on after a rollback dropped them',
    `${CORE}/worker/rollback.ts`,
    '  worker.unwrittenBytes = 0;\n',
    '',
  ),
  mutant(
    '198 what was sent before clients are asked counts as arrived at once',
    `${CORE}/worker/worker.ts`,
    '      worker.askedAt = upTime(worker);\n',
    '      worker.askedAt = upTime(worker);\n      worker.arrivedUpTo = worker.askedAt;\n',
  ),
  mutant(
    '198b what is sent before clients answer counts as arrived',
    `${CORE}/worker/worker.ts`,
    'worker.arrivedUpTo = worker.askedAt;',
    'worker.arrivedUpTo = upTime(worker);',
  ),
  mutant(
    '210 whatever version a client claims is believed',
    `${CORE}/worker/execute.ts`,
    'batch.version > worker.version && batch.version > believed(worker)',
    'batch.version > Infinity',
  ),
  mutant(
    '211 a worker never asks what versions others have reached',
    `${CORE}/worker/execute.ts`,
    "  toFinder(worker, { kind: 'fetchReached' });\n",
    '',
  ),
  mutant(
    '212 a checkpoint that others wait for is not made where nothing executed',
    `${CORE}/worker/checkpoint.ts`,
    'if (owed <= predecessor || unwritten.length >= config.maxUnwrittenVersions) return false;',
    'if (owed <= Infinity) return false;',
  ),
  mutant(
    '213 checkpoints that others wait for do not wait for the disk',
    `${CORE}/worker/checkpoint.ts`,
    'if (owed <= predecessor || unwritten.length >= config.maxUnwrittenVersions) return false;',
    'if (owed <= predecessor) return false;',
  ),
  mutant(
    '220 checkpoints that others wait for do not wait for the cut',
    `${CORE}/worker/checkpoint.ts`,
    'return unwritten.length + uncommitted.length < config.maxUncommittedCheckpoints;',
    'return unwritten.length + uncommitted.length < Infinity;',
  ),
  mutant(
    '221 a version that was refused is believed when it comes again',
    `${CORE}/worker/execute.ts`,
    '  const limit = believed(worker);\n',
    '  const limit = believed(worker);\n  worker.reached = Math.max(worker.reached, batch.version);\n',
  ),
  mutant(
    '222 a worker takes from clients what only the Finder may send',
    `${CORE}/worker/worker.ts`,
    "['batch', 'commit', 'table', 'refresh', 'sessionEnded'];",
    "['batch', 'commit', 'table', 'refresh', 'sessionEnded', 'seal', 'reached', 'left'];",
  ),
  mutant(
    '225 sessions are not shared out among addresses',
    `${CORE}/worker/quotas.ts`,
    'return Math.ceil((limit - others) * ORIGIN_SESSION_SHARE);',
    'return limit - others;',
  ),
  mutant(
    '226 a rollback forgets which address sessions are of',
    `${CORE}/worker/rollback.ts`,
    '  keepOrigins(table, worker.sessions);\n',
    '',
  ),
  mutant(
    '270 a rollback in memory leaves the session table as it is',
    `${CORE}/worker/rollback.ts`,
    '  rollBackSessions(worker.sessions, version, upTime(worker));\n',
    '',
  ),
  mutant(
    '271 what a session was is remembered after it changed',
    `${CORE}/worker/execute.ts`,
    '  touch(worker.sessions, entry);\n  entry.last = batch.sequence;\n',
    '  entry.last = batch.sequence;\n  touch(worker.sessions, entry);\n',
  ),
  mutant(
    '272 what sessions were is given up when their version is durable',
    `${CORE}/worker/checkpoint.ts`,
    '  worker.uncommitted.push(first);\n',
    '  worker.uncommitted.push(first);\n  worker.sessions.undo.sealed.shift();\n',
  ),
  mutant(
    '275 after a rollback the chain of sections begins where the undone sweep began',
    `${CORE}/worker/session-table.ts`,
    'Object.assign(table, { since: chain.since, chained: chain.chained, sweep: undefined });',
    'Object.assign(table, { sweep: undefined });',
  ),
];
