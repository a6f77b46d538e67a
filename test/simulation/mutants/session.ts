/** In a client's session. */
import { CORE, change, mutant, type Mutant } from './mutant.ts';

export const SESSION_MUTANTS: readonly Mutant[] = [
  mutant(
    "14 a cut of another world-line commits a client's operations",
    `${CORE}/session/session.ts`,
    'if (worldLine === session.worldLine && session.verdict === undefined) {',
    'if (worldLine >= session.worldLine && session.verdict === undefined) {',
  ),
  mutant(
    '30 a retry is stamped with the new world-line before the verdict',
    `${CORE}/session/session.ts`,
    'if (missing !== undefined) return beginVerdict(session, { worldLine, decisions: missing, tables: new Map() });',
    `if (missing !== undefined) {
       session.worldLine = worldLine;
       for (const one of session.lanes.all) sendAgain(session, one);
       return beginVerdict(session, { worldLine, decisions: [], tables: new Map() });
     }`,
  ),
  mutant(
    '31 the frontier is replaced instead of updated',
    `${CORE}/session/session.ts`,
    'if (lane?.frontier === version) lane.frontier = 0;',
    'if (lane !== undefined) lane.frontier = 0;',
  ),
  mutant(
    '202 a session that waits for a worker to hear of its world-line does not send again',
    `${CORE}/session/refusals.ts`,
    "    case 'needDecisions': // the Finder tells the worker\n",
    "    case 'needDecisions':\n      return;\n",
  ),
  mutant(
    '39 a call for a worker that was removed waits for ever',
    `${CORE}/session/state.ts`,
    "  else if (!known.open) emit(session, { kind: 'connect', worker });\n",
    '',
  ),
  mutant(
    '40 calls of a removed worker are never reported committed',
    `${CORE}/session/session.ts`,
    'if (session.orphans.length > 0) {\n    emit',
    'if (session.orphans.length > Infinity) {\n    emit',
    change(`${CORE}/session/status.ts`, ' || orphans.length > 0', ''),
  ),
  mutant(
    '44 a session does not send again after it reconnects',
    `${CORE}/session/session.ts`,
    '  sendAgain(session, lane);\n  lane.urged = 0;\n',
    '  lane.urged = 0;\n',
  ),
  mutant(
    '46 a strict session does not wait before it turns to another worker',
    `${CORE}/session/transmit.ts`,
    'if (session.unanswered > lane.unanswered || !mayTransmit(session, lane)) break;',
    'if (!mayTransmit(session, lane)) break;',
  ),
  mutant(
    '47 a reply of another world-line is believed',
    `${CORE}/session/session.ts`,
    'if (message.worldLine !== session.worldLine || session.verdict !== undefined) return Infinity;',
    '',
  ),
  mutant(
    '48 dependencies on the version right above the cut are left out',
    `${CORE}/session/session.ts`,
    'if (lane.frontier <= covered) lane',
    'if (lane.frontier <= covered + 1) lane',
  ),
  mutant('60 a session numbers on after lost batches', `${CORE}/session/verdict.ts`, '  lane.next = last + 1;\n', ''),
  mutant('61 the frontier survives a rollback', `${CORE}/session/verdict.ts`, '    lane.frontier = 0;\n', ''),
  mutant(
    '62 batches do not carry the frontier',
    `${CORE}/session/transmit.ts`,
    'if (lane.worker === worker || lane.frontier === 0) continue;',
    'if (lane.worker >= 0) continue;',
  ),
  mutant(
    '67 after a rollback a session takes no version for committed',
    `${CORE}/session/verdict.ts`,
    'lane.covered = prefix?.get(lane.worker) ?? 0;',
    'lane.covered = 0;',
  ),
  mutant(
    '70 a table of an earlier world-line is believed',
    `${CORE}/session/verdict.ts`,
    'if (worldLine !== verdict?.worldLine) return;',
    'if (verdict === undefined) return;',
    change(`${CORE}/worker/execute.ts`, '  if (!inStep(worker, connection, asked)) return;\n', ''),
  ),
  mutant(
    '100 completed calls of a removed worker survive every rollback',
    `${CORE}/session/verdict.ts`,
    '    if (run.version <= kept) survivors.push(run);\n',
    '    if (run.version <= Infinity) survivors.push(run);\n',
  ),
  mutant(
    '119 a session lets go of operations that it may issue again',
    `${CORE}/session/session.ts`,
    'if (session.config.replay) lane.done.push(call);\n    else remember(lane.done, call);',
    'remember(lane.done, call);',
  ),
  mutant(
    '151 replies that came together are not settled',
    `${CORE}/session/session.ts`,
    '    if (hasEnded(session)) return;\n  }\n  settleFrom(session, lane, first);\n',
    '    if (hasEnded(session)) return;\n  }\n',
  ),
  mutant(
    '152 a session that its worker has forgotten numbers on from what the worker remembers',
    `${CORE}/session/verdict.ts`,
    'if (last < lastKnown(session, verdict, lane)) {',
    'if (last < 0) {',
  ),
  mutant(
    '154 a worker that forgot answered calls which a decision covers is believed',
    `${CORE}/session/verdict.ts`,
    'return survivor === undefined ? (runs[0]?.sequence ?? 1) - 1 : lastSequence(survivor);',
    'return (runs[0]?.sequence ?? 1) - 1;',
  ),
  mutant(
    '219 a session ends when its version is refused for the first time',
    `${CORE}/session/refusals.ts`,
    'if (session.now < lane.absurdSince + absurdRetryLimitMs) return backOff(session, lane);\n',
    '',
  ),
];
