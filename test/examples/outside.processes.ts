import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as client from '@dpr/client';
import type * as example from '../../examples/set/client.ts';
import * as esbuild from 'esbuild';
import * as tar from 'tar';
import { buildPackages } from '../../scripts/packages.mjs';
import { makePlace, type Place, tearDown } from '../cluster/harness.ts';

const SOURCES = ['main.ts', 'set.ts', 'operations.ts', 'client.ts', 'package.json'];

/** As strict as any project may be, the packages' own declarations included. */
const STRICT = {
  compilerOptions: {
    ...{ target: 'es2023', lib: ['es2023'], module: 'nodenext', types: ['node'], noEmit: true, strict: true },
    ...{ noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, verbatimModuleSyntax: true },
    ...{ allowImportingTsExtensions: true, skipLibCheck: false },
  },
  include: ['*.ts'],
};

describe('a worker type in a folder outside the project, by the packages alone,', () => {
  let place: Place;
  let folder: string;

  before(async () => {
    place = await makePlace({ workers: [{ id: 0 }] });
    folder = path.join(place.directory, 'set');
    await mkdir(folder);
    for (const file of SOURCES) await cp(path.join('examples/set', file), path.join(folder, file));
    await writeFile(path.join(folder, 'tsconfig.json'), JSON.stringify(STRICT));
    const modules = path.join(folder, 'node_modules');
    for (const { name, archive } of Object.values(await buildPackages(['runtime', 'client']))) {
      await mkdir(path.join(modules, name), { recursive: true });
      await tar.extract({ file: archive, cwd: path.join(modules, name), strip: 1 });
    }
    for (const tool of ['@types', 'undici-types']) {
      await symlink(path.resolve('node_modules', tool), path.join(modules, tool));
    }
  });
  after(tearDown);

  it('fits their types', () => {
    const compiler = path.resolve('node_modules/typescript/bin/tsc');
    const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' });
    assert.equal(stdout, '');
    assert.equal(status, 0);
  });

  it('has the dpr command with the client', () => {
    const { status, stdout } = spawnSync(path.join(folder, 'node_modules/@dpr/client/dpr.js'), ['--help'], {
      encoding: 'utf8',
    });
    assert.equal(status, 0);
    assert.match(stdout, /remove-worker/);
  });

  it('joins a cluster that runs when its config says so, and keeps what was committed', async () => {
    const program = path.join(folder, 'set.js');
    await esbuild.build({
      entryPoints: [path.join(folder, 'main.ts')],
      ...{ outfile: program, bundle: true, platform: 'node', format: 'esm' },
    });
    const run = await place.start();
    place.edit({ workers: [{ id: 0 }, { id: 1, type: 'set' }], commands: { set: ['node', program] } });
    await run.line('processServing', (line) => line.process === 'set-1');

    const of = (file: string) => pathToFileURL(path.join(folder, file)).href;
    const { connect } = (await import(of('node_modules/@dpr/client/index.js'))) as typeof client;
    const { setType } = (await import(of('client.ts'))) as typeof example;
    const cluster = await connect({ cluster: place.cluster });
    const session = cluster.session({ replay: true });
    const seen = session.worker(1, setType);
    assert.deepEqual(await seen.addAll(['a', 'b', 'a']), [true, true, false]);
    assert.equal(await seen.add('a'), false);
    assert.throws(() => seen.add('x'.repeat(256)), /at most 255 bytes, and this has 256/);
    assert.deepEqual(await seen.removeAll(['b', 'c']).committed, [true, false]);

    const before = place.kill('set-1');
    await place.processIs('set-1', ({ pid }) => pid !== null && pid !== before);
    assert.deepEqual(await seen.hasAll(['a', 'b']), [true, false]);
    await assert.rejects(async () => session.counter(1).get(), { name: 'WrongTypeError' });
    await cluster.close();
  });
});
