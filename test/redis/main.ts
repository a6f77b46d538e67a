/** `npm run test:redis`: units of Redis' own test suite against a store, in a cluster of this machine. */
import { appendFileSync } from 'node:fs';
import { EXIT_USAGE } from '../../services/local/command-line.ts';
import { endAll, makePlace } from '../cluster/harness.ts';
import { Peer } from '../resp/differential/peer.ts';
import { parseReply } from '../resp/differential/reply.ts';
import { NOT_RUN, SERIES, UNITS } from './known.ts';
import { runUnit, suiteVersion, type UnitResults } from './tcl-suite.ts';
import { type Failure, listVerdict, runnable, unitVerdict } from './verdict.ts';

const STORE = 1;
const NEXT_STEP = `get the sources of Redis ${SERIES}x (Debian 12: apt-get source redis), and have REDIS_SUITE name their directory`;

async function startStore(): Promise<number> {
  const place = await makePlace({ workers: [] });
  place.edit({ workers: [{ id: STORE, type: 'store' }], respBasePort: place.respBasePort });
  await place.start();
  return place.respBasePort + STORE;
}

async function commandsAt(port: number): Promise<ReadonlySet<string>> {
  const peer = await Peer.connect('the store', port);
  const [reply = Buffer.alloc(0)] = await peer.ask([['COMMAND', 'LIST']]);
  peer.close();
  return new Set(parseReply(reply).items?.map(({ text = '' }) => text.toUpperCase()));
}

async function run(suite: string): Promise<void> {
  const port = await startStore();
  const failures: Failure[] = [];
  const all: UnitResults[] = [];
  let passed = 0;
  let known = 0;
  for (const { name } of UNITS.filter(runnable)) {
    const results = await runUnit(
      suite,
      port,
      name,
      NOT_RUN.map(({ pattern }) => pattern),
    );
    const verdict = unitVerdict(name, results);
    all.push(results);
    passed += verdict.passed;
    known += verdict.known;
    failures.push(...verdict.failures);
    console.log(
      `${name}: ${verdict.passed} passed, ${verdict.failures.length} failed, ${verdict.known} known to fail, ${results.left} left out`,
    );
  }
  for (const { name, waitsFor = '' } of UNITS.filter((unit) => !runnable(unit))) {
    console.log(`${name}: not run, for there is no ${waitsFor}`);
  }
  failures.push(...listVerdict(all, await commandsAt(port)));
  for (const { title, error } of failures) console.log(`FAILED ${title}: ${error}`);
  console.log(`Redis' own tests: ${passed} passed, ${failures.length} failed, ${known} known to fail`);
  const counts = process.env.TEST_COUNTS;
  if (counts !== undefined)
    appendFileSync(counts, `${JSON.stringify({ passed, failed: failures.length, failures })}\n`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}

const suite = process.env.REDIS_SUITE ?? '';
const version = suiteVersion(suite);
if (version?.startsWith(SERIES) !== true) {
  const found = version === undefined ? 'no test suite of Redis' : `the test suite of Redis ${version}`;
  console.error(`There is ${found} in REDIS_SUITE, '${suite}': ${NEXT_STEP}.`);
  process.exitCode = EXIT_USAGE;
} else {
  try {
    await run(suite);
  } finally {
    await endAll();
  }
}
