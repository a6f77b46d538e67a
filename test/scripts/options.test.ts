import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { VERSION } from '@dpr/client/version';

describe('scripts', () => {
  for (const [script, words, expected] of [
    ['images', ['extra'], 'Unexpected argument'],
    ['packages', ['--registry', 'x'], "Unknown option '--registry'"],
    ['measure-preview', ['--runs'], "Option '--runs <value>' argument missing"],
    ['measure-preview', ['--workers', '2,x'], "--workers takes whole numbers from 1 to 99999, not 'x'"],
  ] as const) {
    it(`say what is wrong: ${script} ${words.join(' ')}`, () => {
      const { status, stderr } = spawnSync(process.execPath, [`scripts/${script}.mjs`, ...words], { encoding: 'utf8' });
      assert.ok(stderr.startsWith(expected), stderr);
      assert.doesNotMatch(stderr, /\n {4}at /);
      assert.equal(status, 1);
    });
  }

  it('print their version', () => {
    const { status, stdout } = spawnSync(process.execPath, ['scripts/images.mjs', '--version'], { encoding: 'utf8' });
    assert.deepEqual([status, stdout], [0, `${VERSION}\n`]);
  });

  it('show their options', () => {
    for (const [script, command] of [
      ['images', 'images'],
      ['packages', 'packages'],
      ['measure-preview', 'measure:preview'],
    ] as const) {
      const words = [`scripts/${script}.mjs`, '--help'];
      const { status, stdout } = spawnSync(process.execPath, words, { encoding: 'utf8' });
      assert.deepEqual([status, stdout.split('\n')[0]], [0, `npm run ${command} -- [options]`]);
    }
  });
});
