/** The project's own client, told what to do by the conformance runner, line by line. */
import { createInterface } from 'node:readline';
import {
  ClusterMismatchError,
  connect,
  DprError,
  HistoryLostError,
  MalformedOperationsError,
  OverflowError,
  RollbackError,
  SessionExpiredError,
  TooManySessionsError,
  UnauthorizedError,
  VersionMismatchError,
  WorkerRemovedError,
  type Cluster,
  type Outcome,
  type Session,
} from '@dpr/client';

const REFUSALS: readonly [new (...args: never[]) => DprError, string][] = [
  [UnauthorizedError, 'unauthorized'],
  [VersionMismatchError, 'unsupportedVersion'],
  [ClusterMismatchError, 'wrongCluster'],
];
const ENDS: readonly [new (...args: never[]) => DprError, string][] = [
  [SessionExpiredError, 'sessionExpired'],
  [HistoryLostError, 'historyLost'],
  [TooManySessionsError, 'tooManySessions'],
  [MalformedOperationsError, 'malformed'],
];

let calls = 0;
let hasEnded = false;

function say(...words: readonly (string | number | bigint)[]): void {
  process.stdout.write(`${words.join(' ')}\n`);
}

function ended(error: unknown): void {
  if (hasEnded) return;
  hasEnded = true;
  say('ended', ENDS.find(([kind]) => error instanceof kind)?.[1] ?? 'defect');
}

function watch(call: number, outcome: Outcome<bigint>): void {
  let isTold = false;
  const failed = (error: unknown): void => {
    if (isTold) return;
    isTold = true;
    if (error instanceof RollbackError) say('lost', call);
    else if (error instanceof OverflowError) say('overflow', call, error.values[0] ?? 0n);
    else if (error instanceof WorkerRemovedError) say('failed', call, error.outcome);
    else if (error instanceof DprError && error.code !== 'closed') ended(error);
  };
  outcome.then((value) => say('completed', call, value), failed);
  outcome.committed.then(() => say('committed', call), failed);
}

async function run(): Promise<void> {
  const lines = createInterface({ input: process.stdin });
  const waiting: string[] = [];
  lines.on('line', (line) => waiting.push(line));
  let cluster: Cluster;
  try {
    cluster = await connect({ cluster: process.env.DPR_CLUSTER ?? '' });
  } catch (error) {
    say('refused', REFUSALS.find(([kind]) => error instanceof kind)?.[1] ?? String(error));
    return;
  }
  const session: Session = cluster.session({
    onRollback({ lastSurvivor }) {
      say('rolledback', lastSurvivor);
      session.resume();
    },
  });
  const obey = (line: string): void => {
    const [word, worker, amount = '0'] = line.split(' ');
    if (word === 'add' || word === 'get') watch(++calls, session.counter(Number(worker)).add(BigInt(amount)));
    else if (word === 'commit')
      session.commit().catch(() => undefined); // each call tells for itself
    else if (word === 'end') void cluster.close().then(() => process.exit(0));
  };
  lines.removeAllListeners('line');
  lines.on('line', obey);
  for (const line of waiting) obey(line);
}

await run();
