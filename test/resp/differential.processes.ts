/** A store and a Redis server are asked the same. `differential.ts` does more of it, by hand. */
import assert from 'node:assert/strict';
import { tearDown } from '../cluster/harness.ts';
import { type TableName, TABLE_NAMES, TABLES } from './differential/commands/index.ts';
import { type Programs, startPrograms } from './differential/programs.ts';
import { commandNames, runDifferential } from './differential/run.ts';
import { Servers } from './differential/servers.ts';

const STEPS = 15_000;
/** Each seed with tables of its own: all of them at once, and fewer that meet more often. */
const RUNS: readonly (readonly [seed: number, only: readonly TableName[]])[] = [
  [1, TABLE_NAMES],
  [2, ['string']],
  [3, ['hash', 'string']],
  [4, ['list']],
  [5, ['set', 'zset']],
  [6, ['zset']],
];

/** A command that the store does not have counts as one that worked. */
const NOT_THERE = { total: 1, errors: 0 };
/** So that something is there mostly. */
const SELDOM = ['FLUSHDB', 'FLUSHALL'];

/** Commands of the store that have no table: those about the connection, the server, several commands, and how a key is kept in memory. */
const WITHOUT_TABLE = [
  ...['AUTH', 'CLIENT', 'COMMAND', 'CONFIG', 'ECHO', 'HELLO', 'INFO', 'PING', 'QUIT', 'RESET', 'SELECT', 'TIME'],
  ...[
    'DISCARD',
    'DPR.SEE',
    'DPR.SESSION',
    'DPR.TOKEN',
    'EXEC',
    'MULTI',
    'OBJECT',
    'UNWATCH',
    'WAIT',
    'WAITAOF',
    'WATCH',
  ],
];

describe('a store beside a Redis server', () => {
  let programs: Programs;

  beforeEach(async () => {
    programs = await startPrograms();
  });
  afterEach(() => programs.stop());
  afterEach(tearDown);

  for (const [seed, only] of RUNS) {
    it(`answers the same, and holds the same once it was killed: seed ${seed}, ${only.join(', ')}`, async () => {
      const counts = await runDifferential({ seed, steps: STEPS, only, programs });
      for (const name of only.flatMap((table) => Object.keys(TABLES[table]))) {
        const { total, errors } = counts.get(name) ?? NOT_THERE;
        assert.ok(total > errors || SELDOM.includes(name), `${name} was never without an error`);
      }
    });
  }

  it('has no command that is not compared', async () => {
    const servers = await Servers.connect(programs.ports);
    const tables = TABLE_NAMES.flatMap((table) => Object.keys(TABLES[table]));
    const names = await commandNames(servers, 'store');
    servers.close();
    assert.ok(names.size > WITHOUT_TABLE.length);
    assert.deepEqual(
      [...names].filter((name) => !tables.includes(name) && !WITHOUT_TABLE.includes(name)),
      [],
    );
  });
});
