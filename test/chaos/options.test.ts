import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { duration, selectors, sequence } from '@dpr/chaos';
import { EXIT_USAGE, whole } from '@dpr/local/command-line';

describe('options', () => {
  it('read times with and without a unit', () => {
    assert.deepEqual(['250', '250ms', '5s', '1.5 m', '2h'].map(duration), [250, 250, 5_000, 90_000, 7_200_000]);
    assert.deepEqual(['0.57m', '16.1s', '1.4ms'].map(duration), [34_200, 16_100, 1], 'whole milliseconds');
    for (const wrong of ['600h', '1073741825']) assert.throws(() => duration(wrong), /at most 1073741824 ms/);
    for (const wrong of ['', 's', '5 days', '-1s', '1e3'])
      assert.throws(() => duration(wrong), /such as 250ms, 5s or 2m/);
  });

  it('read whole numbers within bounds', () => {
    assert.equal(whole(1, 9)('7'), 7);
    for (const wrong of ['0', '10', '1.5', '', 'x']) assert.throws(() => whole(1, 9)(wrong), /from 1 to 9/);
  });

  it('read which victims to choose from', () => {
    assert.deepEqual(selectors('workers, finder'), ['workers', 'finder']);
    assert.deepEqual(sequence('counter-0,finder,counter-0+counter-1,all'), [
      ['counter-0'],
      ['finder'],
      ['counter-0', 'counter-1'],
      ['all'],
    ]);
    for (const wrong of ['', 'counter-0,', 'a++b']) assert.throws(() => sequence(wrong), /with commas between/);
  });

  it('that are wrong end a program with an exit code of their own', () => {
    for (const [program, words, reason] of [
      ['chaos', ['--count', '0'], /Give a whole number from 1 to/],
      ['chaos', ['--namespace', 'dpr'], /go with --kubernetes/],
      ['experiment', ['--data', '.'], /--data goes with --cluster/],
      ['measure', ['more'], /too many arguments/],
      ['chaos', ['--cluster', 'http://x'], /'http:\/\/x' is not the address of a cluster: write it like ws:/],
      ['experiment', ['--cluster', 'x', '--kill-every', '0'], /'x' is not an address/],
      ['bench', ['--rouds', '1'], /unknown option '--rouds'[^]*'npm run bench -- --help' tells more/],
    ] as const) {
      const { status, stderr } = spawnSync(process.execPath, [`dist/${program}.js`, ...words], { encoding: 'utf8' });
      assert.match(stderr, reason);
      assert.doesNotMatch(stderr, /\n {4}at /);
      assert.equal(status, EXIT_USAGE, program);
    }
    const { status, stdout } = spawnSync(process.execPath, ['dist/chaos.js', '--help'], { encoding: 'utf8' });
    assert.deepEqual([status, stdout.includes('Exit codes')], [0, true]);
  });
});
