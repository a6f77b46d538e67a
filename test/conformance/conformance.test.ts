import { runScenarios, SCENARIOS, type ScenarioResult } from '@dpr/conformance';
import { ERROR_CODES } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { PYTHON_CLIENT, workshop } from './clients.ts';

/** How long a client may take for one thing: far longer than any takes, as machines are busy. */
const PATIENCE_MS = 30_000;
/** For one that is wrong: as long as that, and never waited for unless something that is to come does not. */
const WRONG_PATIENCE_MS = 3_000;
const JOBS = 2;

/** What only workers are told. */
const NOT_FOR_CLIENTS = ['stateUnsaid', 'surveyAgain'];

/** A text of the client in Python, a mistake in its place, and a scenario that must find it. */
const MISTAKES: readonly [string, string, string, string][] = [
  [
    'acknowledges over a gap',
    '.acknowledged + 1), "version", 0) is not None',
    '.acknowledged + 1), "version", 0) != 0',
    'out-of-order',
  ],
  ['depends on the worker itself', 'if worker != lane.worker}', '}', 'frontier'],
  ['keeps what a reply covers in its frontier', 'self.frontier.get(worker, known + 1) <= known', 'False', 'frontier'],
  ['turns to another worker early', 'others = any(', 'others = False and any(', 'strict'],
  [
    'forgets to send again',
    'for call in sorted(lane.unanswered(), key=lambda one: one.sequence):\n            self.transmit',
    'for call in []:\n            self.transmit',
    'reconnect',
  ],
  [
    'does not ask for the commit again',
    '            self.transmit(lane, call)\n        self.urge(lane)',
    '            self.transmit(lane, call)',
    'commit-again',
  ],
  [
    'sends what is new with the repeat',
    'call.seen, len(call.dependencies)',
    'self.seen, len(call.dependencies)',
    'gap',
  ],
  ['does not answer pings', 'self.send(data, 10)', 'pass', 'ping'],
  [
    'believes replies of other world-lines',
    'if world_line != self.world_line or self.verdict or',
    'if self.verdict or',
    'foreign-replies',
  ],
  [
    'believes cuts of other world-lines',
    'if world_line == self.world_line and not self.verdict:',
    'if world_line <= self.world_line and not self.verdict:',
    'late-cut',
  ],
  ['compares with the last prefix alone', 'for prefix in prefixes)', 'for prefix in prefixes[-1:])', 'two-rollbacks'],
  [
    'takes a worker that no prefix names for kept',
    'prefix.get(call.worker, 0)',
    'prefix.get(call.worker, call.version)',
    'unnamed-worker',
  ],
  [
    'keeps its frontier over a rollback',
    'self.verdict, 0, {}, dict(prefixes[-1])',
    'self.verdict, 0, self.frontier, dict(prefixes[-1])',
    'rollback',
  ],
  ['keeps its version in a rollback', '        self.seen = 0\n', '', 'rollback'],
  ['numbers on from what a table forgot', 'if last < known:', 'if False:', 'table-below'],
  [
    'believes a table of an older world-line',
    'fields[:2] == (self.id, self.verdict)',
    'fields[0] == self.id',
    'rollback-meanwhile',
  ],
  [
    'ends on any lost history',
    'if code == "historyLost" and self.world_line + 1 < detail',
    'if code == "historyLost"',
    'history-lost',
  ],
  [
    'sends to any worker that has the address',
    'worker[0] != lane.worker or worker[1] != member[0]',
    'False',
    'another-worker',
  ],
  [
    'numbers on at a later generation',
    'lane.generation = 0\n        lane.begin()',
    'lane.generation = 0',
    'next-generation',
  ],
  ['does not end its session', 'if lane.next > 1:', 'if False:', 'session-ended'],
];

describe('the conformance runner', () => {
  const { ownClient, brokenClient, clear } = workshop();
  afterEach(clear);

  async function failuresOf(command: readonly string[]): Promise<{ failures: string[]; results: ScenarioResult[] }> {
    const results = await runScenarios(SCENARIOS, { command, patienceMs: PATIENCE_MS, jobs: JOBS });
    const failures = results.filter(({ passed }) => !passed).map(({ name, failure }) => `${name}: ${failure}`);
    return { failures, results };
  }

  it("finds nothing to say against the project's own client, and forces every error code on it", async () => {
    const { failures, results } = await failuresOf(await ownClient());
    assert.deepEqual(failures, []);
    const forced = new Set(results.flatMap(({ codes }) => codes));
    assert.deepEqual(
      ERROR_CODES.filter((code) => !forced.has(code)),
      NOT_FOR_CLIENTS,
    );
  });

  it('finds nothing to say against the client in Python', async () => {
    const { failures } = await failuresOf(PYTHON_CLIENT);
    assert.deepEqual(failures, []);
  });

  for (const [title, text, mistake, name] of MISTAKES) {
    it(`finds a client that ${title}, by '${name}'`, async () => {
      const command = brokenClient(text, mistake);
      const chosen = SCENARIOS.filter((scenario) => scenario.name === name);
      assert.equal(chosen.length, 1);
      const [result] = await runScenarios(chosen, { command, patienceMs: WRONG_PATIENCE_MS, jobs: 1 });
      assert.equal(result?.passed, false);
      assert.notEqual(result?.failure, '');
    });
  }

  it('has a name of its own for every scenario', () => {
    const names = SCENARIOS.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
  });
});
