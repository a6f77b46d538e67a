import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CONTROL_TOKEN_FILE, ownControlToken } from '../../services/local/control-token.ts';

describe('the control token of a cluster whose config has none', () => {
  let directory: string;
  let file: string;
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'dpr-'));
    file = path.join(directory, CONTROL_TOKEN_FILE);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const modeOf = (name: string) => statSync(name).mode & 0o777;

  it('has 128 bits, is another one for each cluster, and no other user can read it', () => {
    const token = ownControlToken(directory);
    assert.match(token, /^[0-9a-f]{32}$/);
    assert.equal(readFileSync(file, 'utf8'), `${token}\n`);
    assert.equal(modeOf(file), 0o600);
    rmSync(file);
    assert.notEqual(ownControlToken(directory), token);
  });

  it('stays the same, also if others could read it meanwhile', () => {
    const token = ownControlToken(directory);
    chmodSync(file, 0o644);
    assert.equal(ownControlToken(directory), token);
    assert.equal(modeOf(file), 0o600);
  });

  it('is made anew where the file is none, and where a draft was left behind', () => {
    for (const content of ['', 'ab', 'x'.repeat(32), '0'.repeat(33)]) {
      writeFileSync(file, content, { mode: 0o644 });
      writeFileSync(`${file}.new`, 'a draft', { mode: 0o644 });
      assert.match(ownControlToken(directory), /^[0-9a-f]{32}$/);
      assert.equal(modeOf(file), 0o600);
    }
  });

  it('tells when it cannot be kept', () => {
    assert.throws(() => ownControlToken(path.join(directory, 'missing')), /ENOENT/);
  });
});
