/** `npm run test:redis`: Redis' own tests, and those of redis-py, against a store in a cluster of this machine. */
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EXIT_USAGE } from '../../services/local/command-line.ts';
import { endAll, makePlace } from '../cluster/harness.ts';
import { Peer } from '../resp/differential/peer.ts';
import { parseReply } from '../resp/differential/reply.ts';
import { REDIS_PY } from './pip.ts';
import { ELSEWHERE, FILES, KNOWN as KNOWN_OF_REDIS_PY } from './redis-py-known.ts';
import { fetchRedisPy } from './redis-py-suite.ts';
import { KNOWN as KNOWN_OF_REDIS, SERIES, UNITS } from './tcl-known.ts';
import { runUnit, suiteVersion } from './tcl-suite.ts';
import type { UnitResults } from './unit-results.ts';
import { type Failure, type Known, listVerdict, unitVerdict } from './verdict.ts';

interface Suite {
  readonly name: string;
  readonly units: readonly string[];
  readonly known: Known;
  readonly run: (unit: string, port: number) => Promise<UnitResults>;
}

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

function ofRedis(directory: string): Suite {
  const skipped = KNOWN_OF_REDIS.notRun.map(({ pattern }) => pattern);
  return {
    ...{ name: "Redis' own tests", units: UNITS, known: KNOWN_OF_REDIS },
    run: (unit, port) => runUnit(directory, port, unit, skipped),
  };
}

function ofRedisPy(directory: string): Suite {
  const { run } = fetchRedisPy(directory, ELSEWHERE);
  return { name: `the tests of ${REDIS_PY}`, units: FILES, known: KNOWN_OF_REDIS_PY, run };
}

async function runSuite({ name, units, known, run }: Suite, port: number): Promise<void> {
  const failures: Failure[] = [];
  const all: UnitResults[] = [];
  const sums = { passed: 0, known: 0 };
  for (const unit of units) {
    const results = await run(unit, port);
    const verdict = unitVerdict(known, unit, results);
    all.push(results);
    sums.passed += verdict.passed;
    sums.known += verdict.known;
    failures.push(...verdict.failures);
    const failed = `${verdict.failures.length} failed, ${verdict.known} known to fail`;
    console.log(`${unit}: ${verdict.passed} passed, ${failed}, ${results.left} left out`);
  }
  failures.push(...listVerdict(known, all, await commandsAt(port)));
  for (const { title, error } of failures) console.log(`FAILED ${title}: ${error}`);
  console.log(`${name}: ${sums.passed} passed, ${failures.length} failed, ${sums.known} known to fail`);
  const counts = process.env.TEST_COUNTS;
  const counted = { passed: sums.passed, failed: failures.length, failures };
  if (counts !== undefined) appendFileSync(counts, `${JSON.stringify(counted)}\n`);
  if (failures.length > 0) process.exitCode = 1;
}

async function run(suite: string): Promise<void> {
  const directory = mkdtempSync(path.join(tmpdir(), 'redis-py-'));
  try {
    const suites = [ofRedis(suite), ofRedisPy(directory)];
    const port = await startStore();
    for (const one of suites) await runSuite(one, port);
  } finally {
    await endAll();
    rmSync(directory, { recursive: true });
  }
}

const suite = process.env.REDIS_SUITE ?? '';
const version = suiteVersion(suite);
if (version?.startsWith(SERIES) === true) {
  await run(suite);
} else {
  const found = version === undefined ? 'no test suite of Redis' : `the test suite of Redis ${version}`;
  console.error(`There is ${found} in REDIS_SUITE, '${suite}': ${NEXT_STEP}.`);
  process.exitCode = EXIT_USAGE;
}
