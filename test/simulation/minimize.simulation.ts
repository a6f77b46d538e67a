import assert from 'node:assert/strict';
import { minimize } from './command/minimize.ts';
import { mutantNamed } from './mutants/index.ts';
import { buildSimulator } from './mutate.ts';
import { describeWorld, parseWorld, QUIET_WORLD } from './options.ts';

const MUTANT_SEEDS = 50;
const MINIMIZER_TRIES = 10;
const LIMIT_MS = 10 * 60_000;

describe('the minimizer', function () {
  this.timeout(LIMIT_MS);

  it('makes a failing world smaller, and it still fails', async () => {
    const simulator = await buildSimulator(mutantNamed('19 '));
    const many = { workers: 3, clients: 4, callsPerSession: 30, thinkMs: 2, strictChance: 0.5, maxInFlight: 4 };
    const world = parseWorld({ ...many, checkpointIntervalMs: 10, rates: { crashWorker: 3, cutConnection: 5 } });
    let outcome = await simulator.runSeed(1, { world });
    for (let seed = 2; seed <= MUTANT_SEEDS && outcome.violation === undefined; seed++) {
      outcome = await simulator.runSeed(seed, { world });
    }
    const smallest = await minimize(simulator, outcome, { world }, () => undefined, MINIMIZER_TRIES);
    const { workers, clients, callsPerSession, rates } = smallest.world;
    assert.ok(workers < many.workers && clients < many.clients && callsPerSession < many.callsPerSession);
    assert.deepEqual(rates, QUIET_WORLD.rates);
    assert.deepEqual(parseWorld(JSON.parse(JSON.stringify(describeWorld(smallest.world)))), smallest.world);
    const again = await simulator.runSeed(smallest.seed, { world: smallest.world });
    assert.match(again.violation ?? '', /^invariant 1: /);
  });
});
