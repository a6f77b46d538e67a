import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makePlace, type Place, tearDown } from '../cluster/harness.ts';
import { built, HANGS_MS, ROOT, runTool } from './built.ts';

/** As strict as any project may be, the packages' own declarations included. */
const COMPILER = {
  ...{ target: 'es2023', lib: ['es2023'], module: 'nodenext', strict: true, skipLibCheck: false, outDir: 'out' },
  ...{ noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, rootDir: '.' },
};

/** The program that a document shows, for a cluster at this address. */
async function snippet(file: string, address: string): Promise<string> {
  const text = await readFile(path.join(ROOT, file), 'utf8');
  const found = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code);
  const client = found.find((code) => code.includes('await connect({'));
  assert.ok(client, `${file} shows no client`);
  assert.ok(client.includes('ws://127.0.0.1:6379'));
  return client.replace('ws://127.0.0.1:6379', address);
}

/** The same, for a file that is no ES module and so awaits nothing outside of a function. */
function withoutTopLevelAwait(text: string): string {
  const imports = text.match(/^import .*$/gm)?.join('\n') ?? '';
  const rest = text.replace(/^import .*$/gm, '');
  return `${imports}\nasync function main(): Promise<void> {\n${rest}\n}\nvoid main();\n`;
}

describe('packages that a fresh project installs', function () {
  this.timeout(HANGS_MS);

  let place: Place;
  let home: string;

  before(async () => {
    const packages = Object.values(await built());
    place = await makePlace({ workers: [{ id: 0 }] });
    home = path.join(place.directory, 'projects');
    await mkdir(home);
    const dependencies = Object.fromEntries(packages.map(({ name, archive }) => [name, `file:${archive}`]));
    await writeFile(path.join(home, 'package.json'), JSON.stringify({ private: true, dependencies }));
    const options = ['--no-audit', '--no-fund', '--no-package-lock', '--prefer-offline', '--loglevel=error'];
    const { status, stderr } = spawnSync('npm', ['install', ...options], { cwd: home, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    // The program's own, of which Pulumi's packages are many megabytes.
    await symlink(path.join(ROOT, 'node_modules/@pulumi'), path.join(home, 'node_modules/@pulumi'));
    await place.start();
  });
  after(tearDown);

  /** A project of this kind with these files. */
  async function project(name: string, type: 'module' | 'commonjs', files: Readonly<Record<string, string>>) {
    const folder = path.join(home, name);
    await mkdir(folder);
    const own = { 'package.json': JSON.stringify({ private: true, type }), ...files };
    for (const [file, text] of Object.entries(own)) await writeFile(path.join(folder, file), text);
    return folder;
  }

  async function typescript(name: string, type: 'module' | 'commonjs', files: Readonly<Record<string, string>>) {
    const tsconfig = JSON.stringify({ compilerOptions: COMPILER, include: ['*.ts'] });
    const folder = await project(name, type, { ...files, 'tsconfig.json': tsconfig });
    const { output } = runTool('node_modules/typescript/bin/tsc', ['-p', folder]);
    assert.equal(output, '');
    return folder;
  }

  /** What a program prints that ends by itself. */
  function run(folder: string, file: string): string {
    const options = { cwd: folder, encoding: 'utf8', timeout: HANGS_MS } as const;
    const { status, stdout, stderr } = spawnSync(process.execPath, [file], options);
    assert.equal(status, 0, stderr);
    return stdout;
  }

  it('run the documents’ client as an ES module of plain JavaScript', async () => {
    const files = {
      'readme.js': await snippet('README.md', place.cluster),
      'package-readme.js': await snippet('services/client/README.md', place.cluster),
      'infra.js': `
        import { parseConfig } from '@dpr/infra/config';
        import { parseStackText } from '@dpr/infra/stack-file';
        import { DprCluster } from '@dpr/infra/components';
        import { MalformedOperations } from '@dpr/runtime';
        console.log(parseConfig({ workers: [{ id: 7 }] }, 'local').workers[0].id);
        console.log(typeof parseStackText, typeof DprCluster, typeof MalformedOperations);`,
    };
    const folder = await project('esm-js', 'module', files);
    assert.match(run(folder, 'readme.js'), /^300n$/m);
    assert.match(run(folder, 'package-readme.js'), /^600n$/m);
    assert.equal(run(folder, 'infra.js'), '7\nfunction function function\n');
  });

  it('have spans of a client that is loaded by require, as channels go by their names', async () => {
    const text = `
      import { createRequire } from 'node:module';
      import { instrument } from '@dpr/opentelemetry';
      import { INVALID_SPAN_CONTEXT, trace } from '@opentelemetry/api';
      const { connect } = createRequire(import.meta.url)('@dpr/client');
      const names = [];
      const startSpan = (name) => (names.push(name), trace.wrapSpanContext(INVALID_SPAN_CONTEXT));
      instrument({ tracer: { startSpan } });
      const cluster = await connect({ cluster: '${place.cluster}' });
      const session = cluster.session();
      await session.counter(0).get();
      await session.commit();
      await cluster.close();
      console.log(names.join());`;
    const folder = await project('traced', 'module', {
      'traced.js': text,
      'loaded.cjs': "console.log(typeof require('@dpr/opentelemetry').instrument);",
    });
    assert.equal(run(folder, 'traced.js'), 'dpr connect,dpr batch,dpr commit\n');
    assert.equal(run(folder, 'loaded.cjs'), 'function\n');
  });

  it('fit the types of an ES module in TypeScript, and run', async () => {
    const folder = await typescript('esm-ts', 'module', {
      'readme.ts': await snippet('README.md', place.cluster),
      'package-readme.ts': await snippet('services/client/README.md', place.cluster),
      'tracing.ts': await program('services/opentelemetry/README.md', 'instrument()'),
      'worker.ts': await workerSnippet(),
      'infra.ts': await infraSnippet(),
    });
    assert.match(run(folder, 'out/readme.js'), /^\d+n$/m);
  });

  it('fit the types of a CommonJS module in TypeScript, and run', async () => {
    const client = withoutTopLevelAwait(await snippet('README.md', place.cluster));
    const folder = await typescript('cjs-ts', 'commonjs', {
      'readme.ts': client,
      'worker.ts': withoutTopLevelAwait(await workerSnippet()),
      'infra.ts': await infraSnippet(),
      'loaded.ts': "import { DprCluster } from '@dpr/infra/components';\nconsole.log(typeof DprCluster);\n",
    });
    assert.match(await readFile(path.join(folder, 'out/readme.js'), 'utf8'), /require\("@dpr\/client"\)/);
    assert.match(run(folder, 'out/readme.js'), /^\d+n$/m);
    assert.equal(run(folder, 'out/loaded.js'), 'function\n');
  });

  it('fit the example’s typed client, whose method knows its argument and value', async () => {
    const check = `
      import { connect, type Outcome } from '@dpr/client';
      import { setType } from './client.ts';
      const session = (await connect({ cluster: 'ws://127.0.0.1' })).session();
      const one: Outcome<boolean> = session.worker(2, setType).add('a');
      const many: Outcome<boolean[]> = session.worker(2, setType).addAll(['a']);
      // @ts-expect-error: a member is a text
      session.worker(2, setType).add(7);
      // @ts-expect-error: a set has no such method
      session.worker(2, setType).pop();
      export { one, many };`;
    const folder = await project('typed', 'module', {
      'check.ts': check,
      'tsconfig.json': JSON.stringify({
        compilerOptions: { ...COMPILER, allowImportingTsExtensions: true, noEmit: true },
        include: ['*.ts'],
      }),
    });
    for (const file of ['client.ts', 'operations.ts']) {
      await cp(path.join(ROOT, 'examples/set', file), path.join(folder, file));
    }
    assert.equal(runTool('node_modules/typescript/bin/tsc', ['-p', folder]).output, '');
  });

  it('have the dpr command', () => {
    const command = path.join(home, 'node_modules/.bin/dpr');
    const { status, stdout } = spawnSync(command, ['--cluster', place.cluster, 'workers', '--json'], {
      cwd: home,
      encoding: 'utf8',
    });
    assert.equal(status, 0);
    assert.match(stdout, /"type":\s*"counter"/);
  });
});

/** The program of another package that its document shows. */
async function program(file: string, mark: string): Promise<string> {
  const text = await readFile(path.join(ROOT, file), 'utf8');
  const code = /^```ts\n(.*?)^```$/ms.exec(text)?.[1] ?? '';
  assert.ok(code.includes(mark), `${file} shows no ${mark}`);
  return code;
}

const workerSnippet = () => program('services/runtime/README.md', 'serveWorker');
const infraSnippet = () => program('infra/components/README.md', 'new DprCluster');
