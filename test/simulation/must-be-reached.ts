/** What a run of some thousand seeds must have seen at least once, or it proves less than it seems to. */
import { describeFrames, type ErrorCode } from '../../services/protocol/index.ts';
import { FAULTS } from './options.ts';

/** The others only a peer with a defect, a wrong token or a wrong cluster provokes; they have tests of their own. */
const REFUSALS: readonly ErrorCode[] = [
  ...(['sequenceGap', 'windowExceeded', 'overloaded', 'leaving', 'sessionExpired'] as const),
  ...([
    'tooManySessions',
    'needDecisions',
    'historyLost',
    'volumeRefused',
    'fenced',
    'notServing',
    'staleFinder',
    'stateUnsaid',
    'surveyAgain',
  ] as const),
];

/** An operator's watch is not part of the simulation. */
const NEVER_SENT = ['subscribe'];

export const MUST_BE_REACHED: readonly string[] = [
  ...FAULTS.map((fault) => `fault ${fault}`),
  ...[...describeFrames().map(({ kind }) => kind), 'batch', 'reply']
    .filter((kind) => !NEVER_SENT.includes(kind) && kind !== 'error')
    .map((kind) => `sent ${kind}`),
  ...['claimed', 'registered', 'rollback', 'leaving', 'left', 'refused', 'fenced'].map((event) => `finder ${event}`),
  ...['rollback', 'restored', 'leaving', 'finderRefused', 'undecided', 'memoryShort', 'memoryEased'].map(
    (event) => `worker ${event}`,
  ),
  ...REFUSALS.map((code) => `refused: ${code}`),
  ...['historyLost', 'sessionExpired', 'tooManySessions'].map((code) => `session ended: ${code}`),
  ...['shutdown', 'left', 'fenced', 'refused', 'lostHistory'].map((why) => `worker stops: ${why}`),
  ...['list', 'open', 'size', 'read', 'write', 'datasync', 'isAt', 'close', 'rename', 'syncDirectory'].map(
    (operation) => `disk error: ${operation}`,
  ),
  'disk at work when the process died',
  'a slot of the record was torn',
  'Finder ends because of its disk',
  'Finder refuses its old record',
  'an old record is told of before it is known to be old',
  'Finder does not start from a damaged record',
  'worker does not start from a damaged volume',
  'worker notices that its volume is lost',
  'Finder notices that its record is lost',
  'a worker whose disk is damaged is removed',
  ...['checkpoint', 'first checkpoint', 'rollback', 'marker'].map((what) => `${what} failed and was retried`),
  'record write failed and retried',
  'no power after a failed write of the record',
  'Finder dies within a step',
  'Finder dies while it writes a decision',
  'worker dies within a step',
  'worker finds its volume taken over',
  'a checkpoint was written before its rollback was over',
  'worker ends because of its disk',
  'an incremental state goes back over a seal',
  'an incremental state is loaded',
  'a sweep of an incremental state comes to its end',
  'message lost',
  'message cut in the middle',
  'several frames in a message',
  'overtaken on another connection',
  'clock of the Finder jumped',
  'clock of a client jumped',
  'timers of a client that slept come first',
  'no room for another worker',
  'seal in a steady world',
  'half-open connection',
  'execution in a dead world-line',
  'zombie goes on beside its successor',
  'two processes of a worker at once',
  'replaced while it stops',
  'replaced while its registration waits for others',
  'a removed worker is brought back',
  'nothing to bring back',
  'id added again with an empty volume',
  'id added again with its old volume',
  'batches wait for a peer that does not read',
  'a connection is accepted and never answered',
  ...['given up', 'given up before it was made', 'refused: unknownWorker', 'refused: overloaded'].map(
    (how) => `call ${how}`,
  ),
  ...['unknownWorker', 'overloaded', 'workerRemoved', 'overflow'].map(
    (code) => `commit tells of a call that failed: ${code}`,
  ),
  ...['calls travel together', 'calls for several workers in a tick', 'an operation overflows'],
  'waited for room',
  'session replays',
  'session rolled back',
  'rollback with exceptions',
  'session abandoned',
  'session closed',
  'a closed session gave way early',
  ...['ping lost', 'pong lost', 'disconnected for want of an answer'],
  'call failed: workerRemoved',
  'call failed: workerRemoved, sent',
];
