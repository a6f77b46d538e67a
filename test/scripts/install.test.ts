import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

const LOCK = {
  '': { version: '1.0.0' },
  'node_modules/ws': { version: '8.0.0' },
  'node_modules/@dpr/core': { link: true },
  'node_modules/mocha': { version: '12.0.0', dev: true },
  'node_modules/fsevents': { version: '2.0.0', optional: true },
};
const SERVICES = {
  'node_modules/ws': LOCK['node_modules/ws'],
  'node_modules/@dpr/core': LOCK['node_modules/@dpr/core'],
};
const EVERYTHING = { ...SERVICES, 'node_modules/mocha': LOCK['node_modules/mocha'] };
const OLD = { 'node_modules/ws': { version: '7.0.0' } };

describe('installing what is missing', () => {
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(path.join(os.tmpdir(), 'dpr-install-'));
    await Promise.all(['scripts', 'bin', 'node_modules'].map((name) => mkdir(path.join(root, name))));
    await copyFile('scripts/install.mjs', path.join(root, 'scripts/install.mjs'));
    await writeFile(path.join(root, 'package-lock.json'), JSON.stringify({ packages: LOCK }));
    const npm = '#!/bin/sh\necho "$@" >> "$NPM_CALLS"\nexit "$NPM_STATUS"\n';
    await writeFile(path.join(root, 'bin/npm'), npm, { mode: 0o755 });
  });

  afterEach(() => rm(root, { recursive: true }));

  /** What npm was called with after a run of the script, and what the script said. */
  async function run(installed: object | undefined, script: string[] = [], npmStatus = '0') {
    if (installed !== undefined) {
      await writeFile(path.join(root, 'node_modules/.package-lock.json'), JSON.stringify({ packages: installed }));
    }
    const calls = path.join(root, 'calls');
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [path.join(root, 'scripts/install.mjs'), ...script],
      {
        encoding: 'utf8',
        env: { PATH: `${path.join(root, 'bin')}:/usr/bin:/bin`, NPM_CALLS: calls, NPM_STATUS: npmStatus },
      },
    );
    assert.equal(stdout, '');
    const called = await readFile(calls, 'utf8').catch(() => '');
    return { called: called.split(' ').slice(0, 2).join(' '), status, stderr };
  }

  const cases: [string, object | undefined, string[], string][] = [
    ['takes only what the services need on a fresh clone', undefined, [], 'install --omit=dev'],
    ['takes the tools too where they are asked for', undefined, ['--all'], 'install --include=dev'],
    ['does nothing when all is there', SERVICES, [], ''],
    ['does nothing when all is there, tools included', EVERYTHING, ['--all'], ''],
    ['adds the tools to the services', SERVICES, ['--all'], 'install --include=dev'],
    ['follows a changed lock file', { ...SERVICES, ...OLD }, [], 'install --omit=dev'],
    ['keeps the tools when it follows a changed lock file', { ...EVERYTHING, ...OLD }, [], 'install --include=dev'],
    ['links a new room', { 'node_modules/ws': LOCK['node_modules/ws'] }, [], 'install --omit=dev'],
  ];
  for (const [what, installed, script, expected] of cases) {
    it(what, async () => {
      const { called, status, stderr } = await run(installed, script);
      assert.equal(called, expected);
      assert.equal(stderr, expected === '' ? '' : 'installing dependencies…\n');
      assert.equal(status, 0);
    });
  }

  it('stops with a reason when npm fails', async () => {
    const { status, stderr } = await run(undefined, [], '7');
    assert.equal(status, 1);
    assert.match(stderr, /npm install failed, for the reason above/);
  });
});
