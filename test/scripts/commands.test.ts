import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { VERSION } from '@dpr/client/version';
import { bundle } from '../../scripts/bundle.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

function run(program: string, words: readonly string[], cwd = ROOT) {
  const { status, stdout, stderr } = spawnSync(program, words, { cwd, encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe('every command', () => {
  before(bundle);

  for (const program of ['local', 'chaos', 'experiment', 'measure', 'bench']) {
    it(`has JSON and a version: ${program}`, () => {
      const script = `dist/${program}.js`;
      assert.deepEqual(run(process.execPath, [script, '--version']), { status: 0, stdout: `${VERSION}\n`, stderr: '' });
      assert.match(run(process.execPath, [script, '--help']).stdout, /\n {2}--json +one JSON object/);
    });
  }

  for (const script of ['images', 'packages', 'measure-preview']) {
    it(`has JSON: ${script}`, () => {
      assert.match(run(process.execPath, [`scripts/${script}.mjs`, '--help']).stdout, /\n {2}--json /);
    });
  }

  it('of a checkout is ./dpr, from any directory, and prints nothing else', () => {
    const words = ['status', '--json', '--cluster', 'ws://127.0.0.1:1'];
    const { status, stdout } = run(path.join(ROOT, 'dpr'), words, tmpdir());
    assert.equal(status, 3);
    const { exitCode } = JSON.parse(stdout) as { readonly exitCode: number };
    assert.equal(exitCode, 3);
  });
});
